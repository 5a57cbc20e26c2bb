# As small as it goes; everything else is a default.
environment = "dev"
