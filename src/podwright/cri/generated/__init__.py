"""Generated from the .proto files beside this folder by `make proto`; not edited by hand."""
