"""Rules about calls after one another, which the local AWS does not hold us to.

Only what the record itself proves: a call is out of order when what it needs is made later or never in the same record, by
anybody whom the record holds. Refused calls have no effect.
"""


class Order:
    """Sees every call once, oldest first."""

    def __init__(self):
        self.roles, self.blocked, self.created = set(), set(), set()
        self.bodies, self.deployed, self.enabled = set(), set(), {}
        # What a bucket may invoke a function by: function and statement, and the bucket's ARN.
        self.permissions = {}

    def see(self, call):
        """Yields (where, problem, source)."""
        check = getattr(self, f"_{call.operation.name}", None)
        if check is not None:
            yield from check(call.members) or ()

    def settle(self, call, status):
        """The call's effect, once its answer is known."""
        members, name = call.members, call.operation.name
        if status >= 300:
            return
        if name == "CreateBucket":
            self.created.add(members.get("Bucket"))
            self.blocked.discard(members.get("Bucket"))
        elif name in ("PutPublicAccessBlock", "GetPublicAccessBlock"):
            # New buckets have it; who has looked knows.
            self.blocked.add(members.get("Bucket"))
        elif name in ("CreateRole", "GetRole"):
            self.roles.add(members.get("RoleName"))
        elif name == "DeleteRole":
            self.roles.discard(members.get("RoleName"))
        elif name == "AddPermission" and members.get("Principal") == "s3.amazonaws.com":
            statement = (members.get("FunctionName"), members.get("StatementId"))
            self.permissions[statement] = members.get("SourceArn")
        elif name == "RemovePermission":
            self.permissions.pop((members.get("FunctionName"), members.get("StatementId")), None)
        elif name == "DeleteFunction":
            gone = [it for it in self.permissions if it[0] == members.get("FunctionName")]
            for statement in gone:
                del self.permissions[statement]
        elif name == "PutRestApi":
            self.bodies.add(members.get("restApiId"))
        elif name == "UpdateDistribution":
            self.enabled[members.get("Id")] = members.get("DistributionConfig", {}).get("Enabled")

    def _PutBucketPolicy(self, members):
        bucket = members.get("Bucket")
        if bucket in self.created and bucket not in self.blocked:
            yield (
                "PutBucketPolicy",
                f"comes before PutPublicAccessBlock of {bucket}, or a look at it",
                "aws-behaviour.md section 1: PublicAccessBlock before the policy",
            )

    def _PutBucketNotificationConfiguration(self, members):
        if members.get("SkipDestinationValidation"):
            return
        source = f":s3:::{members.get('Bucket')}"
        for entry in members.get("NotificationConfiguration", {}).get("LambdaFunctionConfigurations", []):
            function = entry.get("LambdaFunctionArn", "").rsplit(":", 1)[-1]
            if entry.get("Id") == "photogallery-thumbnail" and not any(
                f == function and arn.endswith(source) for (f, _), arn in self.permissions.items()
            ):
                yield (
                    "LambdaFunctionArn",
                    f"{function} may not be invoked by {source}",
                    "S3 verifies the function's policy: InvalidArgument, Unable to validate the following destination configurations",
                )

    def _CreateFunction(self, members):
        role = members.get("Role", "").rsplit("/", 1)[-1]
        if role not in self.roles:
            yield "Role", f"{role} is not made", "Lambda: The role defined for the function cannot be assumed by Lambda"

    def _CreateDeployment(self, members):
        if members.get("restApiId") not in self.bodies:
            yield (
                "restApiId",
                f"{members.get('restApiId')} has no methods",
                "API Gateway: The REST API doesn't contain any methods",
            )

    def _DeleteDistribution(self, members):
        if self.enabled.get(members.get("Id")) is not False:
            yield "Id", f"{members.get('Id')} is not disabled", "CloudFront: DistributionNotDisabled"
