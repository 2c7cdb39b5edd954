using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <content>What each kind of received frame leads to, and how a frame that breaks the rules is refused.</content>
internal sealed partial class FrameConnection
{
    // What a newer peer may add is skipped: kept, each such field would be an object many times its size.
    private static readonly MessageParser<GoAway> GoAwayParser = GoAway.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<ErrorInfo> ErrorParser = ErrorInfo.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<Hello> HelloParser = Hello.Parser.WithDiscardUnknownFields(true);

    private bool HandleFrame(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        if (!_helloReceived)
        {
            return HandleHello(body);
        }

        switch (header.Kind)
        {
            case FrameKind.Request:
                return HandleRequest(header, body);
            case FrameKind.Reply:
                return HandleReply(header, body);
            case FrameKind.Error:
                return HandleError(header, body);
            case FrameKind.StreamItem:
                return HandleStreamItem(header, body);
            case FrameKind.Cancel:
                HandleCancel(header.CallId);
                return true;
            case FrameKind.Credit:
                HandleCredit(header.CallId, header.Argument);
                return true;
            case FrameKind.Ping:
                AnswerPing(header.CallId);
                return true;
            case FrameKind.Pong:
                return true;
            case FrameKind.GoAway:
                return HandleGoAway(body);
            default:
                return Refuse(ErrorCatalog.ProtocolViolation, $"a second {header.Kind} frame", body);
        }
    }

    private bool HandleGoAway(ReadOnlySpan<byte> body)
    {
        if (!TryParse(GoAwayParser, body, out var message))
        {
            return Refuse(ErrorCatalog.ProtocolViolation, "a malformed GoAway", body);
        }

        _peerReason = RpcException.FromInfo(message.Reason ?? new ErrorInfo());
        List<ClientCall> waiting;
        bool first;
        lock (_gate)
        {
            first = !_peerGoesAway;
            _peerGoesAway = true;
            waiting = TakeWaitingUnderGate();
            TryFinishUnderGate();
        }

        foreach (var call in waiting)
        {
            call.Fail(Lost(_peerReason, sent: false));
        }

        if (first)
        {
            _ = LeaveAsync();
        }

        return true;
    }

    /// <summary>Answers a ping, unless so much waits to be sent that the peer hears from us anyway.</summary>
    private void AnswerPing(ulong callId)
    {
        var flush = false;
        lock (_gate)
        {
            if (QueuedBytes <= _options.SendQueueBytesMax)
            {
                flush = AppendUnderGate(FrameKind.Pong, callId, 0, null);
            }
        }

        StartFlush(flush);
    }

    private bool Refuse(ErrorCode code, string what, ReadOnlySpan<byte> data)
    {
        if (_helloReceived)
        {
            Violation(code, what);
        }
        else
        {
            Violation(ErrorCatalog.NotDistFs, $"{what}; it began with {Printable(data)}");
        }

        return false;
    }

    private static bool TryParse<T>(MessageParser<T> parser, ReadOnlySpan<byte> body, out T message)
        where T : IMessage<T>
    {
        try
        {
            message = parser.ParseFrom(body);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            message = default!;
            return false;
        }
    }

    private static string Printable(ReadOnlySpan<byte> data)
    {
        var text = new char[Math.Min(32, data.Length)];
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = data[i] is >= 0x20 and < 0x7F ? (char)data[i] : '.';
        }

        return $"'{new string(text)}'";
    }
}
