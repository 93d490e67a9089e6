"""Distances on the globe."""

from __future__ import annotations

import math

from penstock.expr.functions.registry import scalar

_RADIUS = {"KM": 6371.0, "MI": 3959.0}
_UNITS = {
    "": "KM", "KM": "KM", "KILOMETER": "KM", "KILOMETERS": "KM", "KILOMETRE": "KM", "KILOMETRES": "KM", "MI": "MI", "MILE": "MI", "MILES": "MI",
}


@scalar("GEO_DISTANCE", "DOUBLE!, DOUBLE!, DOUBLE!, DOUBLE! -> DOUBLE", "DOUBLE!, DOUBLE!, DOUBLE!, DOUBLE!, STRING -> DOUBLE",
        text="Great-circle distance of two points given in degrees (haversine), in km or, with unit 'MI', in miles.",
        arguments=("lat1", "lon1", "lat2", "lon2", "unit"), nulls=True)
def geo_distance(lat1: float, lon1: float, lat2: float, lon2: float, unit: str | None = None) -> float:
    if abs(lat1) > 90 or abs(lat2) > 90 or abs(lon1) > 180 or abs(lon2) > 180:
        raise ValueError("latitudes are within 90 and longitudes within 180 degrees")
    known = _UNITS.get((unit or "").strip().upper())
    if known is None:
        raise ValueError(f"unknown unit {unit!r}: KM or MI")
    # In this order of operations the last digit is the same as in ksqlDB.
    half = _haversine(lat2 - lat1) + _haversine(lon2 - lon1) * math.cos(math.radians(lat1)) * math.cos(math.radians(lat2))
    return 2 * math.asin(math.sqrt(min(half, 1.0))) * _RADIUS[known]


def _haversine(degrees: float) -> float:
    return math.sin(math.radians(degrees) / 2) ** 2
