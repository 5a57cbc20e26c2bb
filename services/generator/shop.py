"""1 · The shop whose life the events tell: users act, acts become orders, orders move stock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from event_types import inventory, order
from event_types.base import Event, EventType
from event_types.inventory import INVENTORY, Inventory
from event_types.order import ORDER, Address, Item, Order
from event_types.population import Customer, Product, population
from event_types.user_activity import USER_ACTIVITY, Activity, Metadata, UserActivity

# What the shop remembers is bounded, so that a task of any length has flat memory.
SESSIONS, OPEN_ORDERS, MOVES, CART = 100, 500, 2_000, 4
NEXT_STATUS = {"pending": "processing", "processing": "shipped", "shipped": "delivered"}
NEW_VISIT, NEW_ORDER, RETURNED, OTHER_MOVE = 0.15, 0.6, 0.1, 0.15


@dataclass
class _Session:
    """One visit of one customer."""

    session_id: str
    customer: Customer
    cart: list[Product] = field(default_factory=list)


@dataclass(frozen=True)
class _Move:
    """Stock that an order takes, or a return brings back."""

    product_id: str
    quantity: int
    reason: str


class Shop:
    """Makes events that refer to one another, over the people and goods that always exist.

    A cart filled in user_activity becomes an order of that customer; an order's items become
    sales in inventory, and what is returned comes back. Where a task leaves a type out, the
    others go on with what the type's own fake makes.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._sessions: deque[_Session] = deque(maxlen=SESSIONS)
        self._open: deque[Order] = deque(maxlen=OPEN_ORDERS)
        self._moves: deque[_Move] = deque(maxlen=MOVES)
        self._makers: dict[str, Callable[[datetime], Event]] = {
            ORDER.name: self._order,
            INVENTORY.name: self._inventory,
            USER_ACTIVITY.name: self._activity,
        }

    def next(self, event_type: EventType, now: datetime) -> Event:
        """An event of this type that follows from those before; any other type fakes its own."""
        make = self._makers.get(event_type.name)
        return make(now) if make else event_type.fake(self._rng, now)

    def _activity(self, now: datetime) -> UserActivity:
        if not self._sessions or self._rng.random() < NEW_VISIT:
            session = self._enter()
            return self._act(session, "login", now)
        session = self._rng.choice(self._sessions)
        activity: Activity = self._rng.choices(
            ("view_product", "add_to_cart", "remove_from_cart", "logout"), (10, 5, 1, 2)
        )[0]
        if activity == "add_to_cart" and len(session.cart) < CART:
            session.cart.append(self._rng.choice(population().products))
        elif activity == "remove_from_cart" and session.cart:
            session.cart.pop()
        elif activity == "logout":
            self._sessions.remove(session)
        else:
            activity = "view_product"
        return self._act(session, activity, now)

    def _enter(self) -> _Session:
        customer = self._rng.choice(population().customers)
        session = _Session(f"sess-{self._rng.getrandbits(48):012x}", customer)
        self._sessions.append(session)
        return session

    def _act(self, session: _Session, activity: Activity, now: datetime) -> UserActivity:
        customer = session.customer
        return UserActivity.model_validate(
            {
                "event_type": USER_ACTIVITY.name,
                "user_id": customer.user_id,
                "activity_type": activity,
                "ip_address": customer.ip_address,
                "user_agent": customer.user_agent,
                "timestamp": now,
                "metadata": Metadata.model_validate(
                    {"session_id": session.session_id, "platform": customer.platform}
                ),
            }
        )

    def _order(self, now: datetime) -> Order:
        session = next((each for each in self._sessions if each.cart), None)
        if self._open and (session is None or self._rng.random() > NEW_ORDER):
            return self._advance()
        placed = self._check_out(session, now) if session else order.fake(self._rng, now)
        self._moves.extend(_Move(each.product_id, -each.quantity, "sale") for each in placed.items)
        if placed.status in NEXT_STATUS:
            self._open.append(placed)
        return placed

    def _check_out(self, session: _Session, now: datetime) -> Order:
        items = [
            Item(
                product_id=product.product_id,
                product_name=product.name,
                quantity=session.cart.count(product),
                price=product.price,
            )
            for product in dict.fromkeys(session.cart)
        ]
        session.cart.clear()
        customer = session.customer
        return Order(
            event_type="order",
            order_id=f"order-{self._rng.getrandbits(48):012x}",
            customer_id=customer.customer_id,
            order_date=now,
            status="pending",
            items=items,
            shipping_address=Address(
                street=customer.street, city=customer.city, country=customer.country
            ),
            total_amount=round(sum(item.quantity * item.price for item in items), 2),
        )

    def _advance(self) -> Order:
        """The oldest open order's next status; its date stays that of its placing."""
        before = self._open.popleft()
        after = before.model_copy(update={"status": NEXT_STATUS[before.status]})
        if after.status in NEXT_STATUS:
            self._open.append(after)
        elif self._rng.random() < RETURNED:
            item = self._rng.choice(after.items)
            self._moves.append(_Move(item.product_id, item.quantity, "return"))
        return after

    def _inventory(self, now: datetime) -> Inventory:
        move = inventory.fake(self._rng, now)
        if self._moves and self._rng.random() > OTHER_MOVE:
            due = self._moves.popleft()
            return move.model_copy(
                update={
                    "product_id": due.product_id,
                    "quantity_change": due.quantity,
                    "reason": due.reason,
                }
            )
        while self._open and move.reason == "sale":
            # Where there are orders, every sale is of one.
            move = inventory.fake(self._rng, now)
        return move
