using DistFS.Primitives;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <content>
/// What the peer sends back for our calls. A reply that matches no call is a violation, never a race.
/// </content>
internal sealed partial class FrameConnection
{
    private bool HandleReply(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        if (header.PayloadLength > 0)
        {
            return HandleReplyWithPayload(header, body);
        }

        if (!TryEndSlot(header.CallId, out var call))
        {
            return Refuse(ErrorCatalog.ProtocolViolation, "a reply to a call that was never made", body);
        }

        // Null once the caller gave up; the peer learns of that too late.
        if (call == null)
        {
            return true;
        }

        if (!TryParseReply(call.Method, body, out var reply))
        {
            call.Fail(Malformed(call.Method));
            return Refuse(ErrorCatalog.ProtocolViolation, $"a malformed reply of {call.Method}", body);
        }

        if (call.Complete(reply!, default))
        {
            AddReady(call);
        }

        return true;
    }

    /// <summary>The call stays in the table, under its deadline, until the payload is here.</summary>
    private bool HandleReplyWithPayload(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        RpcMethod? method;
        lock (_gate)
        {
            var slot = FindSlotUnderGate(header.CallId);
            if (slot < 0)
            {
                return Refuse(ErrorCatalog.ProtocolViolation, "a reply to a call that was never made", body);
            }

            method = _slots[slot].Call?.Method;
            BorrowSinkUnderGate(_slots[slot].Call);
        }

        if (method == null)
        {
            BeginPayload(header, target: null);
            TryEndSlot(header.CallId, out _);
            return true;
        }

        if (method.Kind != RpcMethodKind.Unary || !TryParseReply(method, body, out var reply))
        {
            return Refuse(ErrorCatalog.ProtocolViolation, $"a malformed reply of {method}", body);
        }

        BeginPayload(header, reply);
        return true;
    }

    /// <summary>The end of a stream has no message; every other reply has.</summary>
    private static bool TryParseReply(RpcMethod method, ReadOnlySpan<byte> body, out IMessage? reply)
    {
        reply = null;
        if (method.Kind != RpcMethodKind.Unary)
        {
            return body.IsEmpty;
        }

        try
        {
            reply = method.ParseReply(body);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private RpcException Malformed(RpcMethod method) => new(
        ErrorCatalog.ProtocolViolation, $"{Peer}: a malformed reply of {method}.", outcomeUnknown: true);

    /// <summary>A reply or request whose payload has arrived in full.</summary>
    private bool PayloadComplete(in FrameHeader header, object target, Payload payload)
    {
        if (target is FrameServerCall served)
        {
            served.TakePayload(payload);
            Dispatch(served);
            return true;
        }

        if (!TryEndSlot(header.CallId, out var call) || call == null)
        {
            payload.Dispose();
        }
        else if (call.Complete((IMessage)target, payload))
        {
            AddReady(call);
        }

        return true;
    }

    private bool HandleError(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        if (!TryParse(ErrorParser, body, out var info))
        {
            return Refuse(ErrorCatalog.ProtocolViolation, "a malformed error", body);
        }

        if (!TryEndSlot(header.CallId, out var call))
        {
            return Refuse(ErrorCatalog.ProtocolViolation, "an error for a call that was never made", body);
        }

        call?.Fail(RpcException.FromInfo(info));
        return true;
    }

    private bool HandleStreamItem(in FrameHeader header, ReadOnlySpan<byte> body)
    {
        ClientCall? call;
        lock (_gate)
        {
            var slot = FindSlotUnderGate(header.CallId);
            if (slot < 0)
            {
                return Refuse(ErrorCatalog.ProtocolViolation, "a reply to a stream that was never opened", body);
            }

            call = _slots[slot].Call;
        }

        if (call == null)
        {
            return true;
        }

        try
        {
            return call is IStreamSink sink && sink.Add(
                    call.Method.ParseReply(body), FrameHeader.Size + body.Length, _options.StreamWindowBytes)
                || Refuse(ErrorCatalog.ProtocolViolation, "a stream over its window, or for a unary call", body);
        }
        catch (InvalidProtocolBufferException e)
        {
            return Refuse(ErrorCatalog.ProtocolViolation, $"a malformed reply of {call.Method}: {e.Message}", body);
        }
    }
}
