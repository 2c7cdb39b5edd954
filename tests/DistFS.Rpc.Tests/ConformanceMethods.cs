namespace DistFS.Rpc.Tests;

public sealed partial class EchoRequest : ICarriesPayload;

public sealed partial class EchoReply : ICarriesPayload;

public sealed partial class SourceReply : ICarriesPayload;

public sealed partial class HangRequest : ICarriesPayload;

/// <summary>The methods of conformance.proto.</summary>
internal static class ConformanceMethods
{
    public static readonly RpcMethod<EchoRequest, EchoReply> Echo = Of<EchoRequest, EchoReply>("Echo");
    public static readonly RpcMethod<EchoRequest, EchoReply> EchoInline = Of<EchoRequest, EchoReply>("EchoInline");
    public static readonly RpcMethod<SourceRequest, SourceReply> Source = Of<SourceRequest, SourceReply>("Source");
    public static readonly RpcMethod<FailRequest, FailReply> Fail = Of<FailRequest, FailReply>("Fail");
    public static readonly RpcMethod<HangRequest, HangReply> Hang = Of<HangRequest, HangReply>("Hang");
    public static readonly RpcMethod<HangRequest, HangReply> Block = Of<HangRequest, HangReply>("Block");
    public static readonly RpcMethod<CountRequest, CountReply> Count = Of<CountRequest, CountReply>("Count");
    public static readonly RpcMethod<EchoRequest, EchoReply> CallBack = Of<EchoRequest, EchoReply>("CallBack");
    public static readonly RpcMethod<EchoRequest, EchoReply> Missing = Of<EchoRequest, EchoReply>("Missing");
    public static readonly RpcMethod<EchoRequest, EchoReply> Unnumbered = Of<EchoRequest, EchoReply>("Unnumbered");

    public static RpcMethod<TRequest, TReply> Of<TRequest, TReply>(string name)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new() =>
        RpcMethod<TRequest, TReply>.Of(ConformanceReflection.Descriptor, "Conformance", name);
}
