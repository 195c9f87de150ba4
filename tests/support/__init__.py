"""What tests share: specs that are drawn, models that are built, and what must hold of them."""
