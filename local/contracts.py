"""The contract of each event type in a stack: a label of its dataset, or else the setting."""

from __future__ import annotations

from google.cloud import bigquery

from event_types import registry
from event_types.contract import LABEL, Contract, contract_of
from local.errors import NotDone
from settings import Settings

DEFAULT = "default"
"""In the place of a contract: the label goes, and the setting says."""
CHOICES = (*map(str, Contract), DEFAULT)


def all_of(names: Settings) -> dict[str, str]:
    """Each type's contract as it is now."""
    labels = bigquery.Client(project=names.project_id).get_dataset(names.dataset).labels
    default = Contract(names.schema_contract)
    return {each.name: str(contract_of(labels, each.name, default)) for each in registry.ALL}


def change(names: Settings, event_type: str, contract: str) -> None:
    """Give a type another contract; what runs takes it up by itself. Raises NotDone."""
    known = [each.name for each in registry.ALL]
    if event_type not in known:
        raise NotDone(f"no event type {event_type!r}; there are {', '.join(known)}")
    client = bigquery.Client(project=names.project_id)
    dataset = client.get_dataset(names.dataset)
    # A label that is None is taken off.
    dataset.labels[LABEL + event_type] = None if contract == DEFAULT else contract
    client.update_dataset(dataset, ["labels"])
