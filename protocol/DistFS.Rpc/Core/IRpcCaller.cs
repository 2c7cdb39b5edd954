using Google.Protobuf;

namespace DistFS.Rpc;

/// <summary>How one call is made. There is no call without a deadline.</summary>
/// <param name="Timeout">From now until the caller gives up; positive.</param>
/// <param name="Payload">
/// Raw bytes that travel beside the request, for a request type that is <see cref="DistFS.Protocol.ICarriesPayload"/>.
/// Borrowed: must not change until the call's task ends.
/// </param>
/// <param name="TraceId">Zero takes that of the current activity.</param>
/// <param name="Cancellation">Gives up earlier.</param>
public readonly record struct CallOptions(
    TimeSpan Timeout,
    ReadOnlyMemory<byte> Payload = default,
    TraceId TraceId = default,
    CancellationToken Cancellation = default)
{
    /// <summary>
    /// Of a unary call: gets the reply's payload, which is then not in the <see cref="RpcReply{TReply}"/>. Null: the
    /// payload comes in pooled memory.
    /// </summary>
    public IPayloadSink? Sink { get; init; }
}

/// <summary>Makes calls: over one connection, over a channel that reconnects, or over gRPC.</summary>
public interface IRpcCaller
{
    /// <summary>
    /// Makes a unary call. The task is awaited exactly once; the reply is disposed when its payload is no longer used.
    /// </summary>
    /// <exception cref="RpcException">Every failure, a passed deadline included.</exception>
    /// <exception cref="OperationCanceledException"><see cref="CallOptions.Cancellation"/> was cancelled.</exception>
    ValueTask<RpcReply<TReply>> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, in CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new();

    /// <summary>
    /// Makes a streaming call. Nothing is sent before the enumeration starts; ending it early cancels the call.
    /// </summary>
    /// <inheritdoc cref="CallAsync" path="/exception"/>
    IAsyncEnumerable<TReply> StreamAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new();
}

/// <summary>Callers by the address that they call.</summary>
public interface IRpcCallers
{
    /// <summary>The caller of an address; kept, and shared by all who ask.</summary>
    /// <exception cref="RpcException">It is no address, or there are too many.</exception>
    IRpcCaller To(string address);
}

/// <summary>A reply and its raw payload.</summary>
/// <param name="Message">The reply.</param>
/// <param name="Payload">Empty for most methods, and when the call has a sink for it.</param>
public readonly record struct RpcReply<TReply>(TReply Message, Payload Payload) : IDisposable
{
    /// <summary>Gives the payload's memory back.</summary>
    public void Dispose() => Payload.Dispose();
}

/// <summary>Shorter ways to call.</summary>
public static class RpcCallerExtensions
{
    /// <summary>Makes a unary call whose reply has no payload.</summary>
    public static async ValueTask<TReply> CallAsync<TRequest, TReply>(
        this IRpcCaller caller,
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        TimeSpan timeout,
        CancellationToken cancellation = default)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        ArgumentNullException.ThrowIfNull(caller);
        using var reply = await caller.CallAsync(method, request, new CallOptions(timeout, Cancellation: cancellation))
            .ConfigureAwait(false);
        return reply.Message;
    }
}
