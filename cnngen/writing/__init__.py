"""Plain data -> the text of a spec, laid out as `cnngen fmt` does."""
