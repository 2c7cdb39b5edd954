using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace DistFS.Rpc.Frames;

/// <summary>A dispatcher's methods by their numbers in frames, with the pools of their calls.</summary>
internal sealed partial class FrameHandlers
{
    private readonly FrozenDictionary<uint, FrameHandler> _byId;
    private readonly ILogger _logger;

    public FrameHandlers(RpcDispatcher dispatcher, ILogger logger)
    {
        _logger = logger;
        var visitor = new Visitor(this);
        var byId = new Dictionary<uint, FrameHandler>();
        foreach (var binding in dispatcher.Bindings.Values.Where(b => b.Method.Id != 0))
        {
            if (!byId.TryAdd(binding.Method.Id, binding.Accept(visitor)))
            {
                throw new InvalidOperationException($"{binding.Method} has the number of another method.");
            }
        }

        _byId = byId.ToFrozenDictionary();
        Interceptors = [.. dispatcher.Interceptors];
    }

    public IServerInterceptor[] Interceptors { get; }

    public bool TryGet(uint method, [NotNullWhen(true)] out FrameHandler? handler) =>
        _byId.TryGetValue(method, out handler);

    /// <summary>A handler threw what it should not; the caller learns only that, the log everything.</summary>
    public void Report(FrameServerCall call, Exception error) =>
        LogHandlerFailed(_logger, error, call.Method.FullName, call.Peer, call.TraceId);

    [LoggerMessage(1201, LogLevel.Error, "Handler of {Method} failed, called by {Peer}, trace {Trace}")]
    private static partial void LogHandlerFailed(
        ILogger logger, Exception error, string method, RpcPeer peer, TraceId trace);

    private sealed class Visitor(FrameHandlers handlers) : IRpcBindingVisitor<FrameHandler>
    {
        public FrameHandler Visit<TRequest, TReply>(UnaryBinding<TRequest, TReply> binding)
            where TRequest : class, IMessage<TRequest>, new()
            where TReply : class, IMessage<TReply>, new()
        {
            ObjectPool<FrameServerCall>? pool = null;
            pool = new ObjectPool<FrameServerCall>(
                () => new FrameUnaryCall<TRequest, TReply>(binding, pool!, handlers));
            return new FrameHandler(pool.Rent);
        }

        public FrameHandler Visit<TRequest, TReply>(StreamBinding<TRequest, TReply> binding)
            where TRequest : class, IMessage<TRequest>, new()
            where TReply : class, IMessage<TReply>, new() =>
            new(() => new FrameStreamCall<TRequest, TReply>(binding, handlers));
    }
}

/// <summary>Makes, or takes from a pool, the calls of one method.</summary>
internal sealed record FrameHandler(Func<FrameServerCall> Rent);
