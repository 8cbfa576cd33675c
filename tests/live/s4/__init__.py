"""Part of S/4HANA's released services, by their public names: what real metadata says of the fields in use."""
