"""Says what a catalog holds."""

from pathlib import Path

from nautilus_trader.persistence.funcs import class_to_filename

from trading_node.catalog.reader import count_rows, open_catalog, time_range
from trading_node.logs import rfc3339


def describe_catalog(directory: Path) -> str:
    """Return a text about instruments and data. Raises NodeError (CATALOG_UNREADABLE)."""
    catalog = open_catalog(directory)
    lines = [f"catalog {catalog.path}", "", "instruments"]
    lines += [
        f"  {i.id}  {type(i).__name__}, prices to {i.price_precision} and sizes to {i.size_precision} decimals"
        for i in sorted(catalog.instruments, key=lambda i: i.id.value)
    ]
    lines += ["", "data"]
    for data_type, identifier in sorted({(f.data_type, f.identifier) for f in catalog.files}, key=str):
        files = catalog.find(data_type, identifier)
        first, last = time_range(files)
        lines.append(
            f"  {class_to_filename(data_type)} of {identifier}: {count_rows(files)} events in {len(files)} file(s), "
            f"{rfc3339(first)} to {rfc3339(last)}"
        )
    return "\n".join(lines)
