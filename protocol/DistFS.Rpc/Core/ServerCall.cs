using System.Buffers;
using System.Net;
using DistFS.Primitives;

namespace DistFS.Rpc;

/// <summary>Who is at the other end of a connection, as far as it is known.</summary>
/// <param name="Transport">"tcp", "tls", "unix" or "grpc".</param>
/// <param name="Address">Where it called from.</param>
/// <param name="Agent">What it says it is; only for logs.</param>
/// <param name="Credential">What it gave to prove who it is; empty for none.</param>
/// <param name="Caller">Calls the peer's own services over the same connection; null over gRPC.</param>
public sealed record RpcPeer(
    string Transport, EndPoint? Address, string Agent, ReadOnlyMemory<byte> Credential, IRpcCaller? Caller)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Transport}:{Address} ({Agent})";
}

/// <summary>A call as its handler sees it, whatever the transport. Valid until the handler's task ends.</summary>
public abstract class ServerCall
{
    /// <summary>Where <see cref="TimeRemaining"/> is unlimited.</summary>
    internal const long NoDeadline = long.MaxValue;

    private CancellationTokenSource? _cancellation;
    private volatile bool _cancelled;

    /// <summary>What was called.</summary>
    public abstract RpcMethod Method { get; }

    /// <summary>Who calls.</summary>
    public abstract RpcPeer Peer { get; }

    /// <summary>Follows one request through all processes; zero when the caller traces nothing.</summary>
    public TraceId TraceId { get; protected set; }

    /// <summary>The raw payload of the request; the memory is given back when the handler's task ends.</summary>
    public ReadOnlyMemory<byte> Payload { get; protected set; }

    /// <summary>The time until the caller gives up; <see cref="TimeSpan.MaxValue"/> without a deadline.</summary>
    public virtual TimeSpan TimeRemaining => DeadlineTicks == NoDeadline
        ? TimeSpan.MaxValue
        : TimeSpan.FromMilliseconds(Math.Max(0, DeadlineTicks - Environment.TickCount64));

    /// <summary>
    /// Cancelled when the caller cancels, its deadline passes, or the connection ends. Made at first use.
    /// </summary>
    public CancellationToken CancellationToken
    {
        get
        {
            var source = _cancellation;
            if (source == null)
            {
                var created = new CancellationTokenSource();
                source = Interlocked.CompareExchange(ref _cancellation, created, null) ?? created;
                Interlocked.MemoryBarrier();
                if (_cancelled)
                {
                    source.Cancel();
                }
            }

            return source.Token;
        }
    }

    /// <summary>The deadline in milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    protected internal long DeadlineTicks { get; protected set; } = NoDeadline;

    /// <summary>What <see cref="SetReplyPayload(ReadOnlyMemory{byte}, IDisposable?)"/> was given.</summary>
    protected ReadOnlySequence<byte> ReplyPayload { get; private set; }

    /// <summary>Released once the reply's payload was sent.</summary>
    protected IDisposable? ReplyPayloadOwner { get; private set; }

    /// <summary>Whether <see cref="Cancel"/> was called.</summary>
    protected internal bool IsCancelled => _cancelled;

    /// <summary>
    /// Sends <paramref name="payload"/> with the reply. Over frames it goes from this memory to the socket; it must not
    /// change until <paramref name="owner"/> is disposed, which happens exactly once, also when the call fails.
    /// </summary>
    public void SetReplyPayload(ReadOnlyMemory<byte> payload, IDisposable? owner = null) =>
        SetReplyPayload(new ReadOnlySequence<byte>(payload), owner);

    /// <summary>As the other, from several places: the caller gets them as one payload.</summary>
    public void SetReplyPayload(in ReadOnlySequence<byte> payload, IDisposable? owner)
    {
        DropReplyPayload();
        ReplyPayload = payload;
        ReplyPayloadOwner = owner;
    }

    /// <summary>
    /// Sends only the first bytes of what <see cref="SetReplyPayload(ReadOnlyMemory{byte}, IDisposable?)"/> was given.
    /// </summary>
    public void TrimReplyPayload(int length) => ReplyPayload = ReplyPayload.Slice(0, length);

    /// <summary>Sends the request's payload back with the reply, from the memory it came in.</summary>
    public virtual void EchoPayload() => SetReplyPayload(Payload);

    /// <summary>Notes that the call is cancelled; <see cref="Cancel"/> tells the handler.</summary>
    protected internal void MarkCancelled() => _cancelled = true;

    /// <summary>Runs the token's callbacks on this thread: never while holding a lock.</summary>
    protected internal void Cancel()
    {
        MarkCancelled();
        Interlocked.MemoryBarrier();
        try
        {
            Volatile.Read(ref _cancellation)?.Cancel();
        }
        catch (AggregateException e)
        {
            // Thrown by what the handler registered with its token. The caller's cancellation must not end the process.
            CancellationFailed(e);
        }
    }

    /// <summary>A callback of the handler's token threw.</summary>
    protected abstract void CancellationFailed(Exception error);

    /// <summary>Throws where <see cref="CancellationToken"/> would, without making it.</summary>
    protected internal void ThrowIfCancelled()
    {
        if (_cancelled)
        {
            throw new OperationCanceledException("The caller gave up.");
        }
    }

    /// <summary>Drops what a reply that is not sent would have carried.</summary>
    protected void DropReplyPayload()
    {
        // Forgotten first, so that an owner that throws is not told twice.
        var owner = ReplyPayloadOwner;
        ReplyPayload = default;
        ReplyPayloadOwner = null;
        owner?.Dispose();
    }

    /// <summary>Makes the call reusable; false when it must be left to the garbage collector.</summary>
    protected bool ResetForReuse()
    {
        Check.That(ReplyPayloadOwner == null);
        Payload = default;
        if (_cancelled || (_cancellation != null && !_cancellation.TryReset()))
        {
            return false;
        }

        DeadlineTicks = NoDeadline;
        return true;
    }
}
