namespace DistFS.Primitives;

/// <content>12xx: the wire.</content>
public static partial class ErrorCatalog
{
    /// <summary>Nobody listens at the address.</summary>
    public static readonly ErrorCode ConnectFailed = new(1201, FsStatus.ConnectionRefused, "cannot connect",
        "No connection could be made to the address: the process is not running, listens elsewhere, or a firewall is "
        + "in between. Check the address and that the server runs.");

    /// <summary>The peer does not speak the protocol.</summary>
    public static readonly ErrorCode NotDistFs = new(1202, FsStatus.ProtocolError, "the peer does not speak DistFS",
        "Something answered at the address, but not with DistFS frames. Usually the port is that of another service, "
        + "the gRPC port instead of the frame port, or TLS is on at one side only.");

    /// <summary>The deadline passed before the answer came.</summary>
    public static readonly ErrorCode DeadlineExceeded = new(1203, FsStatus.TimedOut, "deadline exceeded",
        "The answer did not come in time: a server is overloaded, paused or cut off. Whether the operation was done is "
        + "unknown, unless the message says that there was no connection; repeating a DistFS operation is safe, since "
        + "it carries a request id.");

    /// <summary>The connection ended during the call.</summary>
    public static readonly ErrorCode ConnectionLost = new(1204, FsStatus.ConnectionReset, "connection lost",
        "The connection ended while the call was under way. Whether the operation was done is unknown; repeating a "
        + "DistFS operation is safe, since it carries a request id.");

    /// <summary>The peer broke the protocol.</summary>
    public static readonly ErrorCode ProtocolViolation = new(1205, FsStatus.ProtocolError, "protocol violation",
        "The peer sent bytes that no DistFS process sends: a damaged link, another service, or an incompatible "
        + "version. The connection was closed; other connections are not affected.");

    /// <summary>A frame failed its checksum.</summary>
    public static readonly ErrorCode FrameCorrupt = new(1206, FsStatus.Corrupt, "frame damaged",
        "A frame's checksum does not match: bytes changed on the way. The connection was closed, and nothing of the "
        + "frame was used. If it repeats, suspect the network card, its offloading, or a middlebox.");

    /// <summary>No common protocol version.</summary>
    public static readonly ErrorCode VersionMismatch = new(1207, FsStatus.NotSupported, "no common protocol version",
        "The two processes have no protocol version in common. Upgrade the older one; the message names both ranges.");

    /// <summary>A message is larger than the peer or we allow.</summary>
    public static readonly ErrorCode MessageTooLarge = new(1208, FsStatus.MessageTooLarge, "message too large",
        "A message is over the limit that the receiver announced. Split the request; the message names size "
        + "and limit.");

    /// <summary>The method does not exist on the peer.</summary>
    public static readonly ErrorCode UnknownMethod = new(1209, FsStatus.NotImplemented, "no such method",
        "The peer does not offer this method: it is of an older version, or of another role (a chunk server asked for "
        + "a metaserver's service).");

    /// <summary>A limit of the server was reached.</summary>
    public static readonly ErrorCode Overloaded = new(1210, FsStatus.TryAgain, "overloaded",
        "The server refuses more work at the moment (calls in flight, bytes queued or connections). Nothing was done. "
        + "Wait a little and repeat.");

    /// <summary>The peer stopped reading or sending.</summary>
    public static readonly ErrorCode PeerStalled = new(1211, FsStatus.TimedOut, "peer stalled",
        "The peer stopped reading, or stopped in the middle of a frame, or did not answer keep-alive pings. The "
        + "connection was closed. The peer is paused, overloaded or cut off.");

    /// <summary>The server is going down.</summary>
    public static readonly ErrorCode ShuttingDown = new(1212, FsStatus.TryAgain, "server is shutting down",
        "The server accepts no new calls since it is stopping. Nothing was done. The client goes on elsewhere, "
        + "or waits.");

    /// <summary>The handler failed in an unexpected way.</summary>
    public static readonly ErrorCode HandlerFailed = new(1213, FsStatus.IoError, "the server failed",
        "The server met an unexpected error while it handled the call; its log has the details under the trace id. "
        + "Whether the operation was done is unknown.");

    /// <summary>Authentication failed.</summary>
    public static readonly ErrorCode Unauthenticated = new(1214, FsStatus.AccessDenied, "not authenticated",
        "The server does not accept the caller's identity for this method. Check certificates and credentials.");

    /// <summary>The request does not parse.</summary>
    public static readonly ErrorCode BadRequest = new(1215, FsStatus.Invalid, "malformed request",
        "The request's message does not parse or has a field out of range; the message says which. Nothing was done.");

    /// <summary>The address cannot be listened on.</summary>
    public static readonly ErrorCode ListenFailed = new(1216, FsStatus.AddressInUse, "cannot listen",
        "The server could not listen on its address: another process has the port or socket, or the address is not of "
        + "this machine. Choose another port, or stop the other process.");
}
