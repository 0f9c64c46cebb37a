"""What is read, what is refused with which words, and what is written."""

import json
from datetime import date
from typing import Any

import pytest

from tests.api.bad import Bad
from tests.api.bad_manifests import BAD, UNKNOWN_FIELDS
from tests.api.manifests import EXAMPLES, Manifest, changed, example, good_manifest, remove, write
from trading_api.codec import (
    dump_node_config,
    parse_deployment,
    parse_metadata,
    parse_node_config,
    to_dict,
    to_spec_dict,
)
from trading_api.deployment import TradingDeployment
from trading_api.errors import FieldError, InvalidDocument
from trading_api.node_config import NodeConfig
from trading_api.order_ids import derive_order_id_tag
from trading_api.status import Phase
from trading_api.trading_rules import Mode

STATUS = {
    "phase": "Trading",
    "observedGeneration": 3,
    "node": {
        "podName": "good-node-0",
        "podUid": "5f0c9d0e",
        "revision": "0123456789",
        "state": "Trading",
        "startedAt": "2026-11-23T20:00:00Z",
        "updatedAt": "2026-11-23T20:00:01Z",
    },
}


METADATA = {
    "name": "good",
    "namespace": "desk",
    "uid": "5f0c9d0e",
    "generation": 3,
    "resourceVersion": "17",
    "deletionTimestamp": "2026-11-23T20:00:00Z",
    "annotations": {"trading-operator.io/approve": "0123456789"},
    "managedFields": [{"manager": "kubectl"}],
}


def errors(manifest: Manifest) -> tuple[FieldError, ...]:
    """Return why a manifest is refused."""
    with pytest.raises(InvalidDocument) as caught:
        parse_deployment(manifest)
    return caught.value.errors


def config_errors(text: str | bytes) -> tuple[FieldError, ...]:
    """Return why a run-config is refused."""
    with pytest.raises(InvalidDocument) as caught:
        parse_node_config(text)
    return caught.value.errors


def run_config(**changes: Any) -> str:
    """A run-config as a person writes it, with changed fields of its main section."""
    section = {
        "mode": "Paper",
        "trader_id": "DESK-A-001",
        "strategies": [{"name": "ema", "path": "desk.ema:Ema", "config_path": "desk.ema:EmaConfig"}],
        "venues": [
            {
                "name": "BINANCE",
                "adapter": "Replay",
                "replay": {"catalog": "ticks"},
                "paper": {"starting_balances": ["1 USDT"]},
            }
        ],
        "catalogs": [{"name": "ticks", "path": "catalog"}],
    }
    return json.dumps({"trading_node": section | changes})


class TestManifest:
    """TradingDeployments as the API server or a file holds them."""

    def test_everything_that_is_written_is_read(self) -> None:
        deployment = parse_deployment(good_manifest())

        assert deployment.spec.mode is Mode.PAPER
        assert to_spec_dict(deployment.spec) == good_manifest()["spec"]

    @pytest.mark.parametrize("bad", BAD + UNKNOWN_FIELDS, ids=lambda bad: bad.title)
    def test_one_wrong_thing_is_refused_at_its_field_with_a_remedy(self, bad: Bad) -> None:
        (error,) = errors(bad.manifest)

        assert error.path == bad.path
        assert (bad.models_say or bad.says) in error.message

    def test_all_faults_are_told_at_once(self) -> None:
        found = errors(
            changed(
                remove("spec.image"),
                write("metadata.name", ""),
                write("spec.mode", "Real"),
                write("spec.venues[1].replay.speed", True),
                write("spec.strategies[0].path", "ema"),
                write("spec.podTemplate.spec.restartPolicy", "Never"),
                write("spec.colour", "red"),
            )
        )
        assert {error.path for error in found} == {
            "metadata.name",
            "spec.image",
            "spec.mode",
            "spec.venues[1].replay.speed",
            "spec.strategies[0].path",
            "spec.podTemplate.spec.restartPolicy",
            "spec.colour",
        }

    def test_a_missing_field_is_explained(self) -> None:
        (error,) = errors(changed(remove("spec.image")))
        assert (
            str(error)
            == "spec.image: is required: Image of the node, with your strategies in it; in mode Live with its digest."
        )

    @pytest.mark.parametrize(
        ("change", "path"), [(write("kind", "Deployment"), "kind"), (write("apiVersion", "v1"), "apiVersion")]
    )
    def test_another_resource_is_refused(self, change: Any, path: str) -> None:
        (error,) = errors(changed(change))
        assert error.path == path
        assert "write 'trading" in error.message.lower()

    def test_a_date_that_yaml_made_is_sent_back_into_quotes(self) -> None:
        (error,) = errors(changed(write("spec.strategies[0].config.start", date(2026, 1, 1))))
        assert error == FieldError("spec.strategies[0].config.start", "2026-01-01 is read as a date: put it in quotes")

    def test_a_number_that_json_lacks_is_refused(self) -> None:
        (error,) = errors(changed(write("spec.strategies[0].config.limit", float("nan"))))
        assert error.path == "spec.strategies[0].config.limit"

    def test_a_key_that_is_no_text_is_refused(self) -> None:
        (error,) = errors(changed(write("spec.strategies[0].config", {1: "one"})))
        assert error == FieldError("spec.strategies[0].config", "the key 1 is no text: put it in quotes")

    def test_endless_nesting_is_refused(self) -> None:
        nested: Any = []
        for _ in range(1000):
            nested = [nested]
        (error,) = errors(changed(lambda manifest: manifest["spec"]["strategies"][0]["config"].update(deep=nested)))
        assert "nested deeper" in error.message

    def test_a_merge_directive_is_refused_wherever_it_is(self) -> None:
        directive = {"name": "node", "volumeMounts": [{"$patch": "delete", "mountPath": "/etc"}]}
        (error,) = errors(changed(write("spec.podTemplate.spec.containers[0]", directive)))
        assert error.path == "spec.podTemplate.spec"
        assert error.message.startswith('["$patch"]: merge directives are not supported')

    def test_a_null_in_a_free_form_field_stays(self) -> None:
        deployment = parse_deployment(changed(write("spec.strategies[0].config", {"stop": None})))
        assert to_spec_dict(deployment.spec)["strategies"][0]["config"] == {"stop": None}

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
    def test_the_examples_are_right(self, path: Any) -> None:
        parse_deployment(example(path))


class TestMetadata:
    """The part that Kubernetes owns."""

    def test_it_is_read_and_what_is_new_in_it_is_left_alone(self) -> None:
        metadata = parse_deployment(good_manifest() | {"metadata": METADATA}).metadata

        assert (metadata.name, metadata.namespace, metadata.uid, metadata.generation) == ("good", "desk", "5f0c9d0e", 3)
        assert metadata.deletion_timestamp == "2026-11-23T20:00:00Z"
        assert metadata.annotations == {"trading-operator.io/approve": "0123456789"}

    def test_it_is_read_where_the_spec_is_invalid(self) -> None:
        assert parse_metadata({"metadata": METADATA, "spec": None}).uid == "5f0c9d0e"

    @pytest.mark.parametrize("document", [{}, {"metadata": None}, {"metadata": {"name": 7}}])
    def test_what_is_no_metadata_is_refused(self, document: Manifest) -> None:
        with pytest.raises(InvalidDocument):
            parse_metadata(document)


class TestStatus:
    """A report, maybe of another version: it never keeps a spec from being read."""

    @pytest.mark.parametrize("absent", [{}, {"status": None}, {"status": {}}])
    def test_it_may_be_absent(self, absent: Manifest) -> None:
        assert parse_deployment(good_manifest() | absent).status.node is None

    def test_it_is_read(self) -> None:
        status = parse_deployment(good_manifest() | {"status": STATUS}).status
        assert (status.phase, status.observed_generation) == (Phase.TRADING, 3)
        assert status.node is not None
        assert to_dict(status)["node"]["podUid"] == "5f0c9d0e"

    def test_fields_of_a_later_version_are_left_alone(self) -> None:
        later = STATUS | {"weather": "fine", "node": STATUS["node"] | {"latency": 7}}  # type: ignore[operator]
        assert parse_deployment(good_manifest() | {"status": later}).status.node is not None

    def test_a_report_that_cannot_be_read_counts_as_none(self) -> None:
        status = parse_deployment(good_manifest() | {"status": STATUS | {"node": {"state": "Dreaming"}}}).status
        assert (status.phase, status.node) == (Phase.TRADING, None)

    @pytest.mark.parametrize("status", [{"phase": "Dancing"}, "fine", {"observedGeneration": date(2026, 1, 1)}])
    def test_a_status_that_cannot_be_read_counts_as_absent(self, status: Any) -> None:
        assert parse_deployment(good_manifest() | {"status": status}).status.phase is Phase.PENDING


class TestRunConfig:
    """The node's own file, in snake_case."""

    def test_it_is_read_with_its_defaults(self) -> None:
        config = parse_node_config(run_config())

        assert config.trading_node.http.port == 8080
        assert config.trading_node.venues[0].replay is not None
        assert config.trading_node.venues[0].replay.speed == 1

    def test_the_spelling_of_manifests_is_refused_with_the_right_one(self) -> None:
        found = config_errors(json.dumps({"tradingNode": {}}))
        assert FieldError("tradingNode", "unknown field: did you mean trading_node?") in found

    def test_rules_name_fields_as_the_file_spells_them(self) -> None:
        venue = {"name": "OKX", "adapter": "Replay", "replay": {"catalog": "ticks"}}
        (error,) = config_errors(run_config(venues=[venue]))
        assert error.path == "trading_node.venues"
        assert error.message.startswith(
            '["OKX"]: mode Paper trades on simulated accounts: add paper with starting_balances'
        )

        cash = {"starting_balances": ["1 USDT"], "default_leverage": 2}
        (error,) = config_errors(run_config(venues=[venue | {"paper": cash}]))
        assert error.path == "trading_node.venues[0].paper.default_leverage"
        assert error.message.endswith("write Margin as account_type")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("{", "is not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
            ("", "is not JSON: Expecting value at line 1, column 1"),
            (b"\xff\xfe{", "save the file as UTF-8"),
            ('{"logging": {}, "logging": {}}', "logging is written twice in one object: keep one"),
            ('{"logging": NaN}', "NaN is no number of JSON"),
            ("[" * 100_000, "nested deeper"),
            ("[]", "write an object with fields"),
        ],
        ids=["cut off", "empty", "encoding", "twice", "NaN", "nested", "no object"],
    )
    def test_what_is_no_json_is_refused_in_words(self, text: str | bytes, says: str) -> None:
        (error,) = config_errors(text)
        assert error.path == ""
        assert says in error.message

    def test_an_endless_number_is_refused(self) -> None:
        assert config_errors('{"logging": ' + "9" * 5000 + "}")

    def test_what_is_written_is_canonical(self) -> None:
        config = parse_node_config(run_config())
        text = dump_node_config(config)

        assert parse_node_config(text) == config
        assert dump_node_config(parse_node_config(text)) == text
        assert json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n" == text


class TestOrderIdTags:
    """What tells the orders of two strategies apart."""

    @staticmethod
    def _strategies(*tags: tuple[str, str | None]) -> str:
        base = {"path": "desk.ema:Ema", "config_path": "desk.ema:EmaConfig"}
        return run_config(strategies=[base | {"name": name, "order_id_tag": tag} for name, tag in tags])

    def test_a_tag_comes_from_the_name_for_ever(self) -> None:
        # Written out: open orders at the venues carry it, so it may not change with a release.
        assert derive_order_id_tag("ema-btc") == "AH4L"
        assert derive_order_id_tag("reversion-btc") == "AFAD"

    def test_a_tag_that_is_set_wins(self) -> None:
        strategies = parse_node_config(self._strategies(("ema-btc", "EMA1"), ("ema-eth", None))).trading_node.strategies
        assert [s.resolved_order_id_tag for s in strategies] == ["EMA1", derive_order_id_tag("ema-eth")]

    def test_two_set_tags_may_not_be_equal(self) -> None:
        (error,) = config_errors(self._strategies(("a", "X"), ("b", "X"), ("c", "Y")))
        assert error.message.startswith('["a", "b"]: their orders could not be told apart')

    def test_a_derived_tag_may_not_be_anothers(self) -> None:
        (error,) = config_errors(self._strategies(("ema-btc", None), ("b", derive_order_id_tag("ema-btc"))))
        assert error.message == (
            '["ema-btc"]: the tag derived from the name is another strategy\'s tag too: set order_id_tag, such as EMA1'
        )

    def test_two_derived_tags_may_not_collide(self) -> None:
        names = {}
        number = 0
        while (tag := derive_order_id_tag(f"s-{number}")) not in names:
            names[tag] = f"s-{number}"
            number += 1
        (error,) = config_errors(self._strategies((names[tag], None), (f"s-{number}", None)))
        assert "set order_id_tag" in error.message


def test_models_keep_their_rules_however_they_are_made() -> None:
    good = parse_deployment(good_manifest())
    with pytest.raises(ValueError, match="write at most 47"):
        TradingDeployment.model_validate(good.model_dump() | {"metadata": {"name": "n" * 48}})
    section = parse_node_config(run_config()).trading_node
    with pytest.raises(ValueError, match="names none of catalogs"):
        NodeConfig.model_validate({"trading_node": section.model_dump() | {"catalogs": ()}})


def test_all_faults_are_in_the_text_of_the_error() -> None:
    with pytest.raises(
        InvalidDocument, match=r"spec\.mode: write 'Live' or 'Paper'; spec\.image: is required: "
    ) as caught:
        parse_deployment(changed(remove("spec.image"), write("spec.mode", "Real")))
    assert len(caught.value.errors) == 2
