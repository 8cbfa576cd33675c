"""Pattern packs: what a second site can take over, as versioned data. No code lives here."""
