"""A process that trades and is killed: it tells the books events and says which the books have taken.

python -m tests.node.books.trader FOLDER DATABASE FIRST COUNT: tells the lives of COUNT orders from number FIRST on and
prints the number of each event once the books have it.
"""

import sys
from pathlib import Path

from tests.unit.books.stories import TRADER
from tests.unit.books.test_books import lives
from trading_node.store.books import Books, BooksSettings


def main() -> None:
    folder, database, first, count = sys.argv[1:]
    books = Books(BooksSettings(trader_id=TRADER, directory=Path(folder), database=database))
    for number, event in enumerate(lives(int(first) + int(count))):
        if number >= 5 * int(first):
            books.record(event)
            print(number, flush=True)
    books.close(60)
    print("closed", flush=True)


if __name__ == "__main__":
    main()
