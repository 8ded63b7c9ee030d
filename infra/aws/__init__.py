"""AWS as Roost uses it: one adapter per resource, and the only place that knows boto3.

Every verb is synchronous, may be called from any thread, and raises the errors of `infra.aws.errors` only.
"""
