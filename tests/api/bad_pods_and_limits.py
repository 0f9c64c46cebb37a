"""What is refused of the pod template and of the limits."""

from tests.api.bad import Bad
from tests.api.manifests import write

POD_TEMPLATE = (
    Bad(
        "a label of ours",
        write('spec.podTemplate.metadata.labels["trading-operator.io/revision"]', "x"),
        "spec.podTemplate.metadata.labels",
        '["trading-operator.io/revision"]: the operator alone writes trading-operator.io/ and app.kubernetes.io/',
    ),
    Bad(
        "a label of the pod's own",
        write('spec.podTemplate.metadata.labels["app.kubernetes.io/name"]', "x"),
        "spec.podTemplate.metadata.labels",
        "choose another prefix, such as desk.example.com/",
    ),
    Bad(
        "a label that is none",
        write('spec.podTemplate.metadata.labels["-"]', "x"),
        "spec.podTemplate.metadata.labels",
        '["-"]: write a name or prefix/name',
    ),
    Bad(
        "a label's value with a space",
        write('spec.podTemplate.metadata.labels["desk.example.com/team"]', "a b"),
        "spec.podTemplate.metadata.labels[desk.example.com/team]",
        "write letters, digits, '-', '_' and '.'",
    ),
    Bad(
        "an annotation of ours",
        write('spec.podTemplate.metadata.annotations["trading-operator.io/approve"]', "x"),
        "spec.podTemplate.metadata.annotations",
        "the operator alone writes trading-operator.io/: choose another prefix",
    ),
    Bad(
        "another service account",
        write("spec.podTemplate.spec.serviceAccountName", "admin"),
        "spec.podTemplate.spec.serviceAccountName",
        "remove this field",
    ),
    Bad(
        "a restart policy",
        write("spec.podTemplate.spec.restartPolicy", "Never"),
        "spec.podTemplate.spec.restartPolicy",
        "a StatefulSet takes no other than Always: remove this field",
    ),
    Bad(
        "a grace period",
        write("spec.podTemplate.spec.terminationGracePeriodSeconds", 1),
        "spec.podTemplate.spec.terminationGracePeriodSeconds",
        "it follows from spec.drain.timeout: write the time there",
    ),
    Bad(
        "another command of the node",
        write("spec.podTemplate.spec.containers[0].command", ["sleep"]),
        "spec.podTemplate.spec.containers[0].command",
        "the operator starts the node: remove command",
    ),
    Bad(
        "other arguments of the node",
        write("spec.podTemplate.spec.containers[0].args", ["--fast"]),
        "spec.podTemplate.spec.containers[0].args",
        "the operator starts the node: remove args",
    ),
    Bad(
        "another image of the node",
        write("spec.podTemplate.spec.containers[0].image", "x"),
        "spec.podTemplate.spec.containers[0].image",
        "the node's image is spec.image: write it there and remove it here",
    ),
    Bad(
        "a variable of ours",
        write("spec.podTemplate.spec.containers[0].env[0].name", "TRADING_POD_UID"),
        "spec.podTemplate.spec.containers[0].env",
        "the operator sets the node's variables that start with TRADING_: choose another name",
    ),
)
RISK = (
    Bad(
        "a limit that is a number",
        write("spec.risk.maxOrderNotional", 50000),
        "spec.risk.maxOrderNotional",
        "must be of type string",
        "write a text",
    ),
    Bad(
        "a limit with an exponent",
        write("spec.risk.maxOrderNotional", "5e4"),
        "spec.risk.maxOrderNotional",
        "write a number in quotes",
    ),
    Bad(
        "a tolerance in percent",
        write("spec.risk.priceTolerance", "2"),
        "spec.risk.priceTolerance",
        "write a share from 0 to 1 in quotes",
    ),
    Bad(
        "a least order above the largest",
        write("spec.risk.minOrderNotional", "50001"),
        "spec.risk.minOrderNotional",
        "no order could pass both: write at most what maxOrderNotional says",
    ),
    Bad(
        "limits of a strategy that is not there",
        write("spec.risk.strategies", [{"name": "emma", "maxOrdersPerSecond": 1}]),
        "spec.risk",
        "it has limits and is none of strategies or venues",
    ),
    Bad(
        "limits of an instrument without a venue",
        write("spec.risk.instruments", [{"id": "BTCUSDT.KRAKEN"}]),
        "spec.risk",
        "it has limits and is none of strategies or venues",
    ),
)
