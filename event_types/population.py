"""0 · The people, goods and places that fakes speak of, the same everywhere, so joins work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

SEED = 20240115
CUSTOMERS, PRODUCTS = 500, 200
WAREHOUSES = (
    "wh-us-central",
    "wh-us-east",
    "wh-us-west",
    "wh-eu-west",
    "wh-eu-north",
    "wh-asia-east",
)
PLATFORMS = ("web", "mobile", "tablet")


@dataclass(frozen=True)
class Customer:
    """A person: `customer-017` in orders is `user-017` in user activity."""

    customer_id: str
    user_id: str
    street: str
    city: str
    country: str
    ip_address: str
    user_agent: str
    platform: str


@dataclass(frozen=True)
class Product:
    """A thing for sale; `price` in US dollars, to the cent."""

    product_id: str
    name: str
    price: float


@dataclass(frozen=True)
class Population:
    """Everyone and everything that the events of one run refer to."""

    customers: tuple[Customer, ...]
    products: tuple[Product, ...]
    warehouses: tuple[str, ...]


@cache
def population() -> Population:
    """Make the population, once a process; the same one every time."""
    from faker import Faker  # only those who make fakes pay for it

    faker = Faker("en_US", use_weighting=False)
    faker.seed_instance(SEED)
    customers = tuple(
        Customer(
            customer_id=f"customer-{number:03}",
            user_id=f"user-{number:03}",
            street=faker.street_address(),
            city=faker.city(),
            country=faker.country_code(),
            ip_address=faker.ipv4_public(),
            user_agent=faker.user_agent(),
            platform=faker.random_element(PLATFORMS),
        )
        for number in range(1, CUSTOMERS + 1)
    )
    products = tuple(
        Product(
            product_id=f"prod-{number:03}",
            name=f"{faker.color_name()} {faker.word(part_of_speech='noun').title()}",
            price=faker.random_int(199, 29_999) / 100,
        )
        for number in range(1, PRODUCTS + 1)
    )
    return Population(customers, products, WAREHOUSES)
