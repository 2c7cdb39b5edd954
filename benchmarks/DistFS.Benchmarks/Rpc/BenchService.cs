using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Benchmarks.Rpc;

public sealed partial class SinkRequest : ICarriesPayload;

public sealed partial class SourceReply : ICarriesPayload;

/// <summary>The methods of bench.proto and their handlers, which do nothing.</summary>
internal static class BenchService
{
    public static readonly RpcMethod<EchoRequest, EchoReply> Echo =
        RpcMethod<EchoRequest, EchoReply>.Of(BenchReflection.Descriptor, "Bench", "Echo");

    public static readonly RpcMethod<SinkRequest, SinkReply> Sink =
        RpcMethod<SinkRequest, SinkReply>.Of(BenchReflection.Descriptor, "Bench", "Sink");

    public static readonly RpcMethod<SourceRequest, SourceReply> Source =
        RpcMethod<SourceRequest, SourceReply>.Of(BenchReflection.Descriptor, "Bench", "Source");

    private static readonly byte[] Bytes = new byte[4 << 20];

    /// <param name="scheduling">Pool is what a handler of the product does; Inline is the shortest path.</param>
    public static RpcDispatcher Dispatcher(HandlerScheduling scheduling = HandlerScheduling.Pool) => new RpcDispatcher()
        .Handle(
            Echo,
            static (request, _) => new ValueTask<EchoReply>(new EchoReply { Value = request.Value }),
            scheduling)
        .Handle(Sink, static (_, _) => new ValueTask<SinkReply>(new SinkReply()), scheduling)
        .Handle(
            Source,
            static (request, call) =>
            {
                call.SetReplyPayload(Bytes.AsMemory(0, (int)request.Bytes));
                return new ValueTask<SourceReply>(new SourceReply());
            },
            scheduling);
}
