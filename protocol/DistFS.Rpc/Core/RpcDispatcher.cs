using System.Collections.Frozen;
using Google.Protobuf;

namespace DistFS.Rpc;

/// <summary>Answers a unary call.</summary>
/// <param name="request">Owned by the handler.</param>
/// <param name="call">Who calls, until when; valid until the returned task ends.</param>
/// <remarks>
/// Throw a <see cref="DistFS.Primitives.DistFsException"/> to fail with its status and code. Anything else is reported
/// as <see cref="DistFS.Primitives.ErrorCatalog.HandlerFailed"/>, without its text.
/// </remarks>
public delegate ValueTask<TReply> UnaryHandler<in TRequest, TReply>(TRequest request, ServerCall call);

/// <summary>
/// Answers a unary call if that takes no more than microseconds and no wait, on the thread that received it.
/// </summary>
/// <returns>
/// Null: the <see cref="UnaryHandler{TRequest, TReply}"/> is to do it, and <paramref name="call"/> is as it was.
/// </returns>
/// <remarks>
/// Errors, too, are best left to the other: what is thrown here is answered, but it is the receive loop that is slow.
/// </remarks>
public delegate TReply? QuickHandler<in TRequest, out TReply>(TRequest request, ServerCall call)
    where TReply : class;

/// <summary>Answers a streaming call; the stream ends when the returned task does.</summary>
public delegate ValueTask StreamHandler<in TRequest, out TReply>(
    TRequest request, IReplyWriter<TReply> replies, ServerCall call);

/// <summary>Where a streaming handler puts its replies.</summary>
public interface IReplyWriter<in TReply>
{
    /// <summary>
    /// Sends one reply, in order. Waits while the receiver is behind (its window is used up); ends with an
    /// <see cref="OperationCanceledException"/> when the call was cancelled or its deadline passed.
    /// </summary>
    ValueTask WriteAsync(TReply reply);
}

/// <summary>On which thread a handler starts.</summary>
public enum HandlerScheduling
{
    /// <summary>On the thread pool; it may block for input and output.</summary>
    Pool,

    /// <summary>
    /// On the connection's receive loop: no hand-over between threads, but while it runs nothing else of that
    /// connection is received. For handlers that finish within microseconds and never block.
    /// </summary>
    Inline,
}

/// <summary>
/// The table of what a process offers: methods and their handlers, whatever the transport. Filled at start, then
/// given to transports, after which it no longer changes.
/// </summary>
public sealed class RpcDispatcher
{
    private readonly Dictionary<string, RpcBinding> _bindings = new(StringComparer.Ordinal);
    private readonly List<IServerInterceptor> _interceptors = [];
    private FrozenDictionary<string, RpcBinding>? _sealed;

    /// <summary>Offers a unary method.</summary>
    /// <param name="method">Which.</param>
    /// <param name="handler">Answers it, over every transport.</param>
    /// <param name="scheduling">On which thread that starts.</param>
    /// <param name="quick">Over frames it is asked first; null for none.</param>
    /// <exception cref="InvalidOperationException">It has a handler already, or a transport uses the table.</exception>
    public RpcDispatcher Handle<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        UnaryHandler<TRequest, TReply> handler,
        HandlerScheduling scheduling = HandlerScheduling.Pool,
        QuickHandler<TRequest, TReply>? quick = null)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        ArgumentNullException.ThrowIfNull(method);
        RequireKind(method, RpcMethodKind.Unary);
        return Add(new UnaryBinding<TRequest, TReply>(method, handler, scheduling, quick));
    }

    /// <summary>Offers a streaming method.</summary>
    /// <exception cref="InvalidOperationException">It has a handler already, or a transport uses the table.</exception>
    public RpcDispatcher Handle<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, StreamHandler<TRequest, TReply> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        ArgumentNullException.ThrowIfNull(method);
        RequireKind(method, RpcMethodKind.ServerStreaming);
        return Add(new StreamBinding<TRequest, TReply>(method, handler));
    }

    /// <summary>Adds a hook that sees every call before its handler, in order of addition.</summary>
    public RpcDispatcher Use(IServerInterceptor interceptor)
    {
        RequireOpen();
        _interceptors.Add(interceptor);
        return this;
    }

    /// <summary>The methods, by full name. Taking it seals the table.</summary>
    public IReadOnlyDictionary<string, RpcBinding> Bindings => Seal();

    /// <summary>The hooks, first to last.</summary>
    public IReadOnlyList<IServerInterceptor> Interceptors => _interceptors;

    private FrozenDictionary<string, RpcBinding> Seal() =>
        _sealed ??= _bindings.ToFrozenDictionary(StringComparer.Ordinal);

    private RpcDispatcher Add(RpcBinding binding)
    {
        RequireOpen();
        if (!_bindings.TryAdd(binding.Method.FullName, binding))
        {
            throw new InvalidOperationException($"{binding.Method} has a handler already.");
        }

        return this;
    }

    private void RequireOpen()
    {
        if (_sealed != null)
        {
            throw new InvalidOperationException("A transport uses this dispatcher; handlers are added before that.");
        }
    }

    private static void RequireKind(RpcMethod method, RpcMethodKind kind)
    {
        if (method.Kind != kind)
        {
            throw new InvalidOperationException($"{method} is {method.Kind}; its handler is for {kind}.");
        }
    }
}

/// <summary>A method and its handler. A transport visits it to learn the types.</summary>
public abstract class RpcBinding
{
    /// <summary>What is offered.</summary>
    public abstract RpcMethod Method { get; }

    /// <summary>Calls the visitor with the messages' types.</summary>
    public abstract TResult Accept<TResult>(IRpcBindingVisitor<TResult> visitor);
}

/// <summary>How a transport turns bindings into what it calls.</summary>
public interface IRpcBindingVisitor<out TResult>
{
    /// <summary>A unary method.</summary>
    TResult Visit<TRequest, TReply>(UnaryBinding<TRequest, TReply> binding)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new();

    /// <summary>A streaming method.</summary>
    TResult Visit<TRequest, TReply>(StreamBinding<TRequest, TReply> binding)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new();
}

/// <summary>A unary method and its handler.</summary>
public sealed class UnaryBinding<TRequest, TReply>(
    RpcMethod<TRequest, TReply> method,
    UnaryHandler<TRequest, TReply> handler,
    HandlerScheduling scheduling,
    QuickHandler<TRequest, TReply>? quick = null) : RpcBinding
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    /// <inheritdoc/>
    public override RpcMethod Method => TypedMethod;

    /// <summary>The method with its types.</summary>
    public RpcMethod<TRequest, TReply> TypedMethod => method;

    /// <summary>Answers it.</summary>
    public UnaryHandler<TRequest, TReply> Handler => handler;

    /// <summary>Where it starts.</summary>
    public HandlerScheduling Scheduling => scheduling;

    /// <summary>Is asked first, where the transport can; null for none.</summary>
    public QuickHandler<TRequest, TReply>? Quick => quick;

    /// <inheritdoc/>
    public override TResult Accept<TResult>(IRpcBindingVisitor<TResult> visitor) => visitor.Visit(this);
}

/// <summary>A streaming method and its handler.</summary>
public sealed class StreamBinding<TRequest, TReply>(
    RpcMethod<TRequest, TReply> method, StreamHandler<TRequest, TReply> handler) : RpcBinding
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    /// <inheritdoc/>
    public override RpcMethod Method => TypedMethod;

    /// <summary>The method with its types.</summary>
    public RpcMethod<TRequest, TReply> TypedMethod => method;

    /// <summary>Answers it.</summary>
    public StreamHandler<TRequest, TReply> Handler => handler;

    /// <inheritdoc/>
    public override TResult Accept<TResult>(IRpcBindingVisitor<TResult> visitor) => visitor.Visit(this);
}
