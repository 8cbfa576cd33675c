"""A Sparkplug edge of pysparkplug's making, a process of its own: commands come on stdin, what it did goes to stdout.

Started with the broker's port and the bdSeq of its first session, which the library itself would always begin at 0.
`data N`: N by alias alone. `skip`: a number of the sequence is left out. `device N`: a device's value. `leave`: it
takes its leave in the library's way. Asked for a rebirth it tells its births again.
"""

import itertools
import os
import sys

import pysparkplug as spb

GROUP, EDGE, DEVICE = "northfield", "line-3", "scale"
TEMPERATURE, WEIGHT = 11, 12
SESSION = int(sys.argv[2])


def metric(name, alias, value, datatype=spb.DataType.DOUBLE):
    return spb.Metric(timestamp=spb.get_current_timestamp(), name=name, alias=alias, datatype=datatype, value=value)


def tell(what):
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def send(message_type, payload, device=None):
    topic = spb.Topic(message_type=message_type, group_id=GROUP, edge_node_id=EDGE, device_id=device)
    edge._client.publish(
        spb.Message(topic=topic, payload=payload, qos=spb.QoS.AT_MOST_ONCE, retain=False), include_dtypes=True
    )


def values():
    return (metric("Temperature", TEMPERATURE, 20.0), metric("Line/State", 13, 1, spb.DataType.INT32))


def bear(edge, message):
    tell("asked " + " ".join(each.name for each in message.payload.metrics))
    edge._EdgeNode__seq_cycler = itertools.cycle(range(256))
    now = spb.get_current_timestamp()
    session = spb.Metric(timestamp=now, name="bdSeq", datatype=spb.DataType.INT64, value=SESSION)
    send(spb.MessageType.NBIRTH, spb.NBirth(timestamp=now, seq=edge._seq, metrics=(*values(), session)))
    scale = (metric("Weight", WEIGHT, 1.0),)
    send(spb.MessageType.DBIRTH, spb.DBirth(timestamp=now, seq=edge._seq, metrics=scale), DEVICE)


spb.EdgeNode._EdgeNode__bd_seq_cycler = itertools.count(SESSION)
edge = spb.EdgeNode(
    GROUP,
    EDGE,
    values(),
    client=spb.Client(username=os.environ["EDGE_USER"], password=os.environ["EDGE_PASSWORD"]),
    cmd_callback=bear,
)
edge.register(spb.Device(DEVICE, (metric("Weight", WEIGHT, 1.0),)))
edge.connect("127.0.0.1", port=int(sys.argv[1]), keepalive=5, blocking=False)
tell("born")
for line in sys.stdin:
    command, _, number = line.strip().partition(" ")
    now = spb.get_current_timestamp()
    if command == "skip":
        next(edge._EdgeNode__seq_cycler)
    elif command == "data":
        told = (metric(None, TEMPERATURE, float(number)),)
        send(spb.MessageType.NDATA, spb.NData(timestamp=now, seq=edge._seq, metrics=told))
    elif command == "device":
        told = (metric(None, WEIGHT, float(number)),)
        send(spb.MessageType.DDATA, spb.DData(timestamp=now, seq=edge._seq, metrics=told), DEVICE)
    elif command == "leave":
        edge.disconnect()
    tell("done " + line.strip())
