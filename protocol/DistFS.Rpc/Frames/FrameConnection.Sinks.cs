using DistFS.Primitives;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <content>
/// Payloads that are received into their callers' memory. From the header of such a reply on the memory is lent to the
/// receive loop, and the call ends, whatever ends it, when the loop has given it back: at the payload's end, or before
/// the receive after the one in which the call was given up, or with the connection.
/// </content>
internal sealed partial class FrameConnection
{
    // Whose sink gets the payload that is being received. Only the receive loop touches it. As long as it is set the
    // call's task has not ended, so the call has not begun another life.
    private ClientCall? _lender;

    /// <summary>Under the gate, for a call of the table whose reply has a payload.</summary>
    private void BorrowSinkUnderGate(ClientCall? call)
    {
        if (call?.Sink != null)
        {
            call.LendSink();
            _lender = call;
        }
    }

    /// <summary>The payload begins; its first bytes came with the header.</summary>
    private static void BeginSink(IPayloadSink sink, int length, ReadOnlySpan<byte> present)
    {
        sink.Begin(length);
        sink.Feed(present);
    }

    /// <summary>Where the next bytes of the payload go; empty if it is none of a sink, or of one no more.</summary>
    private Memory<byte> SinkTarget()
    {
        if (_lender is not { } call)
        {
            return default;
        }

        if (call.IsGivenUp)
        {
            // What is still to come of it is skipped; here ends what it occupies.
            _payloadFor = null;
            ReturnSink();
            TryEndSlot(_payloadHeader.CallId, out _);
            return default;
        }

        var next = call.Sink!.Next();
        Check.That(!next.IsEmpty);
        return next[..Math.Min(next.Length, _payloadMissing)];
    }

    /// <summary>All of the payload is with the sink.</summary>
    private bool SinkComplete(in FrameHeader header, IMessage reply)
    {
        // Null: it was given up, and ends now. Else nobody but us ends it, so giving back the sink does not.
        if (TryEndSlot(header.CallId, out var call) && call != null)
        {
            Check.That(call == _lender);
            ReturnSink();
            if (call.Complete(reply, default))
            {
                AddReady(call);
            }
        }
        else
        {
            ReturnSink();
        }

        return true;
    }

    private void ReturnSink()
    {
        var call = _lender;
        _lender = null;
        call?.SinkReleased();
    }
}
