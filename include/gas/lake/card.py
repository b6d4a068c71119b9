"""The lake's card: what its files hold, for people (README.md) and for programs (schema.json, by Table Schema)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from include.gas.lake.rows import KEY, TABLES, Column, Table

README, SCHEMA = "README.md", "schema.json"

_TEXT = """# Household gas consumption · Consommation de gaz de foyers

*English below.*

Copie pseudonyme, pour l'analyse, de ce que GRDF (API ADICT) fournit avec l'accord des foyers. Écrite chaque jour par
`grdf_export_lake` ; ne rien y modifier, tout changement serait perdu.

* **Dernière mise à jour** : {updated} (UTC). {counts_fr}.
* **Journées** : une journée gazière va de 6 h à 6 h, heure de Paris (23 ou 25 h aux changements d'heure). Les énergies
  sont en kWh. Une journée sans relevé n'a pas de ligne ; un 0 a été mesuré. GRDF corrige : une ligne peut changer, ou
  disparaître.
* **Pseudonymes** : `account` et `meter` sont des HMAC-SHA-256 (32 caractères), sous un secret que seule l'installation
  détient. Ni numéro de compteur, ni nom, ni adresse. Ce sont néanmoins des **données à caractère personnel** (RGPD,
  article 4, point 5) : à ne pas publier, et à ne pas rapprocher d'autres données pour retrouver un foyer.
* **Départs** : les lignes d'un foyer disparaissent à la mise à jour qui suit son départ. Refaites alors vos copies.
* **Licence** : aucune, tant que la collectivité n'en a pas choisi ; elle la place ici, dans `LICENSE`.

A pseudonymous copy, for analysts, of what GRDF (ADICT API) provides with the households' consent. Written daily by
`grdf_export_lake`; change nothing in it, a change would be lost.

* **Last update**: {updated} (UTC). {counts_en}.
* **Days**: a gas day runs from 06:00 to 06:00 in Paris (23 or 25 hours when the clocks change). Energies are in kWh. A
  day without a reading has no row; a 0 was measured. GRDF corrects: a row may change, or go.
* **Pseudonyms**: `account` and `meter` are HMAC-SHA-256 (32 characters) under a secret that only the installation has.
  There is no meter number, no name and no address. They are **personal data** all the same (GDPR, article 4(5)): not to
  be published, nor combined with other data to find a household.
* **Leaving**: a household's rows go with the update after it has left. Make your copies anew then.
* **Licence**: none until the city has chosen one, which it puts here as `LICENSE`.

```sql
SELECT year, month, sum(load) AS kwh FROM read_parquet('days/**/*.parquet', hive_partitioning = true) GROUP BY ALL;
```
"""


def card_files(counts: Mapping[str, int], households: int, updated: str) -> dict[str, str]:
    """Return the card's files; ``counts``: rows by table, ``updated``: UTC text."""
    french = ", ".join(f"`{name}` : {number} lignes" for name, number in counts.items())
    english = ", ".join(f"`{name}`: {number} rows" for name, number in counts.items())
    text = _TEXT.format(
        updated=f"{updated[:10]} {updated[11:16]}",
        counts_fr=f"{households} foyers, {french}",
        counts_en=f"{households} households, {english}",
    )
    schema = {"time_zone": "Europe/Paris", "source": "GRDF, ADICT", "tables": [_schema(table) for table in TABLES]}
    return {
        README: text + "".join(map(_section, TABLES)),
        SCHEMA: json.dumps(schema | {"updated": updated}, indent=1, ensure_ascii=False) + "\n",
    }


def _section(table: Table) -> str:
    path = f"{table.name}/**/*.parquet"
    rows = "".join(
        f"| `{column.name}` | {column.kind} | {column.unit} | {_with_words(column.fr, column)} | {column.en} |\n"
        for column in table.columns
    )
    return f"\n## {path}\n\n{table.fr} · {table.en}\n\n| | | | | |\n|---|---|---|---|---|\n{rows}"


def _with_words(text: str, column: Column) -> str:
    return f"{text} ({', '.join(f'`{word}`' for word in column.words)})" if column.words else text


def _schema(table: Table) -> dict[str, object]:
    return {
        "name": table.name,
        "path": f"{table.name}/**/*.parquet",
        "description": table.en,
        "schema": {"fields": [_field(column) for column in table.columns], "primaryKey": [*KEY]},
    }


def _field(column: Column) -> dict[str, object]:
    field: dict[str, object] = {"name": column.name, "type": column.kind, "description": column.en}
    return field | ({"unit": column.unit} if column.unit else {}) | ({"words": column.words} if column.words else {})
