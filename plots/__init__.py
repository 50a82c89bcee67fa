"""The charts of the lab: `python3 -m plots` reads results/ and draws them, one module a chart."""
