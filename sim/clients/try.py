"""Points pyupbit and ccxt at a running simulator and holds what they say against it.

    cargo run -p tickroom-sim -- --admin-port 8788 &
    python3 -m venv venv && venv/bin/pip install pyupbit ccxt setuptools
    venv/bin/python sim/clients/try.py http://127.0.0.1:8787

Neither library is changed. pyupbit has its addresses in its code, so what it calls below is redirected: every URL of
`requests` and of `websockets.connect`. ccxt takes addresses as an option.
"""

import asyncio
import sys
from datetime import datetime, timezone
from functools import wraps

import ccxt.async_support as ccxt
import ccxt.pro as ccxt_pro
import requests
import websockets

HTTP = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8787"
WS = HTTP.replace("http://", "ws://")


def redirect(url):
    return url.replace("https://api.upbit.com", HTTP).replace("wss://api.upbit.com", WS)


def redirected(call, *before):
    """`call` with the URL changed that follows the arguments `before`."""

    @wraps(call)
    def to_the_simulator(*arguments, **named):
        arguments = list(arguments)
        if "url" in named:
            named["url"] = redirect(named["url"])
        else:
            arguments[len(before)] = redirect(arguments[len(before)])
        return call(*arguments, **named)

    return to_the_simulator


requests.Session.request = redirected(requests.Session.request, "self", "method")
websockets.connect = redirected(websockets.connect)

import pyupbit  # noqa: E402  (after the redirection)
import pyupbit.websocket_api  # noqa: E402


def say(what, seen):
    print(f"{what:<34} {seen}", flush=True)


def pyupbit_rest():
    say("pyupbit tickers", len(pyupbit.get_tickers(fiat="KRW")))
    say("pyupbit price", pyupbit.get_current_price(["KRW-BTC", "KRW-ETH"]))
    for interval in ["minute1", "minute240", "day", "week", "month"]:
        rows = pyupbit.get_ohlcv("KRW-BTC", interval=interval, count=5)
        assert len(rows) == 5 and (rows["low"] <= rows["high"]).all(), rows
        say(f"pyupbit {interval}", f"{rows.index[0]} to {rows.index[-1]}, close {rows['close'].iloc[-1]}")
    # Two pages, one after the other.
    rows = pyupbit.get_ohlcv("KRW-ETH", interval="minute1", count=350, to="2026-03-11 14:40:00")
    assert len(rows) == 350 and rows.index.is_unique and rows.index.is_monotonic_increasing
    say("pyupbit 350 minutes by pages", f"{rows.index[0]} to {rows.index[-1]}")
    book = pyupbit.get_orderbook("KRW-BTC")
    best = book["orderbook_units"][0]
    assert best["bid_price"] < best["ask_price"]
    say("pyupbit order book", f"{len(book['orderbook_units'])} units, {best}")


async def pyupbit_socket():
    """The loop of pyupbit's WebSocketClient, until it has three frames."""

    class Enough(Exception):
        pass

    class Frames(list):
        def put(self, frame):
            self.append(frame)
            if len(self) == 3:
                raise Enough

    client = object.__new__(pyupbit.websocket_api.WebSocketClient)
    client.type, client.codes, client.queue = "ticker", ["KRW-BTC", "KRW-XRP"], Frames()
    try:
        await asyncio.wait_for(client.connect_socket(), 60)
    except Enough:
        pass
    say("pyupbit socket", [(frame["code"], frame["trade_price"]) for frame in client.queue])


def pointed_at_the_simulator(exchange):
    for api in exchange.urls["api"]:
        exchange.urls["api"][api] = exchange.urls["api"][api].replace("https://{hostname}", HTTP).replace("wss://{hostname}", WS)
    return exchange


async def ccxt_rest():
    upbit = pointed_at_the_simulator(ccxt.upbit())
    try:
        say("ccxt markets", len(await upbit.load_markets()))
        ticker = await upbit.fetch_ticker("BTC/KRW")
        assert ticker["low"] <= ticker["last"] <= ticker["high"]
        say("ccxt ticker", f"last {ticker['last']}, {ticker['percentage']} %")
        for timeframe in ["1s", "1m", "1h", "1d", "1w", "1M"]:
            rows = await upbit.fetch_ohlcv("BTC/KRW", timeframe, limit=5)
            assert rows and all(low <= min(first, last) <= max(first, last) <= high for _, first, high, low, last, _ in rows)
            start = datetime.fromtimestamp(rows[-1][0] / 1000, timezone.utc)
            say(f"ccxt {timeframe}", f"{len(rows)} rows, the last of {start:%Y-%m-%d %H:%M:%S}")
        book = await upbit.fetch_order_book("BTC/KRW")
        assert book["bids"][0][0] < book["asks"][0][0]
        say("ccxt order book", f"{book['bids'][0]} {book['asks'][0]}")
        trades = await upbit.fetch_trades("BTC/KRW", limit=5)
        say("ccxt trades", [trade["price"] for trade in trades])
        try:
            await upbit.fetch_ticker("NOPE/KRW")
        except ccxt.BadSymbol as error:
            say("ccxt unknown market", error)
    finally:
        await upbit.close()


async def ccxt_socket():
    upbit = pointed_at_the_simulator(ccxt_pro.upbit())
    try:
        ticker = await asyncio.wait_for(upbit.watch_ticker("BTC/KRW"), 60)
        say("ccxt.pro ticker", ticker["last"])
        trades = await asyncio.wait_for(upbit.watch_trades("BTC/KRW"), 60)
        say("ccxt.pro trades", [trade["price"] for trade in trades])
        book = await asyncio.wait_for(upbit.watch_order_book("BTC/KRW"), 60)
        assert book["bids"][0][0] < book["asks"][0][0]
        say("ccxt.pro order book", f"{len(book['bids'])} bids, {len(book['asks'])} asks")
        candles = await asyncio.wait_for(upbit.watch_ohlcv("BTC/KRW", "1s"), 60)
        say("ccxt.pro candles of a second", candles)
    finally:
        await upbit.close()


async def main():
    await asyncio.to_thread(pyupbit_rest)
    await pyupbit_socket()
    await ccxt_rest()
    await ccxt_socket()


asyncio.run(main())
