namespace DistFS.Rpc;

/// <summary>
/// Takes the payload of a reply as it comes, into the caller's own memory, in place of pooled memory that the caller
/// would copy from (<see cref="CallOptions.Sink"/>). One call at a time.
/// </summary>
/// <remarks>
/// Called on the thread that receives, for which every other call of the connection waits: so it only says where bytes
/// go, and looks at those that came. It must not throw, block or call back. One thread at a time, and none after the
/// call's task has ended, however it ended: a call that is cancelled, or whose deadline passes, while its payload comes
/// ends when the memory is no longer received into.
/// </remarks>
public interface IPayloadSink
{
    /// <summary>
    /// A payload begins. Not called when the call fails before that, nor for a reply that has none; never twice for one
    /// call. What comes may end before all of it has come: then the call fails.
    /// </summary>
    /// <param name="length">In bytes; positive.</param>
    void Begin(int length);

    /// <summary>Where the next bytes go: never empty; no more of it is used than are missing.</summary>
    Memory<byte> Next();

    /// <summary>So many bytes have come, at the start of what <see cref="Next"/> gave last.</summary>
    void Advance(int count);
}

/// <summary>Payloads that are in memory already.</summary>
internal static class PayloadSinks
{
    /// <summary>Gives a sink some bytes.</summary>
    public static void Feed(this IPayloadSink sink, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var next = sink.Next().Span;
            var count = Math.Min(next.Length, bytes.Length);
            bytes[..count].CopyTo(next);
            sink.Advance(count);
            bytes = bytes[count..];
        }
    }
}
