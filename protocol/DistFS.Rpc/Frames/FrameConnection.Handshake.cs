using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Rpc.Frames;

/// <content>The handshake: each side says Hello at once, and nothing else before the other's Hello has come.</content>
internal sealed partial class FrameConnection
{
    // The peer's limits, as its Hello gave them. Written before the handshake ends, constant afterwards.
    private int _peerBodyBytesMax;
    private int _peerPayloadBytesMax;
    private int _peerCallsMax;
    private long _peerWindowBytes;
    private long _peerStreamWindowBytes;

    private void SendHello()
    {
        var hello = new Hello
        {
            VersionMin = WireVersions.Min,
            VersionMax = WireVersions.Max,
            BodyBytesMax = (uint)_options.BodyBytesMax,
            PayloadBytesMax = (uint)_options.PayloadBytesMax,
            CallsMax = (uint)_options.CallsMax,
            RequestWindowBytes = (ulong)_options.RequestWindowBytes,
            StreamWindowBytes = (uint)_options.StreamWindowBytes,
            Agent = _options.Agent,
            Lane = _options.Lane,
            Credential = Google.Protobuf.ByteString.CopyFrom(_options.Credential.Span),
        };
        bool flush;
        lock (_gate)
        {
            flush = AppendUnderGate(FrameKind.Hello, 0, 0, hello);
        }

        StartFlush(flush, inline: true);
    }

    private bool HandleHello(ReadOnlySpan<byte> body)
    {
        if (!TryParse(HelloParser, body, out var hello))
        {
            return Refuse(ErrorCatalog.ProtocolViolation, "a malformed Hello", body);
        }

        if (hello.VersionMin > WireVersions.Max || hello.VersionMax < WireVersions.Min)
        {
            Violation(
                ErrorCatalog.VersionMismatch,
                $"the peer speaks frame versions {hello.VersionMin} to {hello.VersionMax}, "
                    + $"this process {WireVersions.Min} to {WireVersions.Max}");
            return false;
        }

        // A peer may allow us more than we can name; it may not allow less than one small call.
        _peerBodyBytesMax = (int)Math.Min(hello.BodyBytesMax, int.MaxValue / 2);
        _peerPayloadBytesMax = (int)Math.Min(hello.PayloadBytesMax, int.MaxValue / 2);
        _peerCallsMax = (int)Math.Min(hello.CallsMax, 65536);
        _peerWindowBytes = (long)Math.Min(hello.RequestWindowBytes, long.MaxValue);
        _peerStreamWindowBytes = hello.StreamWindowBytes;
        if (_peerBodyBytesMax < 1024 || _peerCallsMax < 1 || _peerStreamWindowBytes < 1024
            || _peerWindowBytes < (long)_peerBodyBytesMax + _peerPayloadBytesMax + FrameHeader.Size)
        {
            return Refuse(ErrorCatalog.ProtocolViolation, "a Hello with limits that allow no call", body);
        }

        _helloReceived = true;
        Lane = hello.Lane;
        Peer = Peer with { Agent = Sanitise(hello.Agent), Credential = hello.Credential.Memory };
        _handshake.TrySetResult();
        return true;
    }

    // Goes into logs: no control characters, no essays.
    private static string Sanitise(string agent) =>
        new([.. agent.Where(c => !char.IsControl(c)).Take(128)]);
}
