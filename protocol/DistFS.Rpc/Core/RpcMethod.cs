using DistFS.Protocol;
using DistFS.Rpc.Frames;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace DistFS.Rpc;

/// <summary>The shape of a call.</summary>
public enum RpcMethodKind
{
    /// <summary>One request, one reply.</summary>
    Unary,

    /// <summary>One request, any number of replies.</summary>
    ServerStreaming,
}

/// <summary>A method of the contract, for both transports.</summary>
public abstract class RpcMethod
{
    private protected RpcMethod(string service, string name, RpcMethodKind kind, uint id)
    {
        (Service, Name, Kind, Id) = (service, name, kind, id);
        FullName = $"{Service}/{Name}";
    }

    /// <summary>"distfs.v1.Node".</summary>
    public string Service { get; }

    /// <summary>"Ping".</summary>
    public string Name { get; }

    /// <summary>"distfs.v1.Node/Ping"; with a slash in front it is the path of a gRPC request.</summary>
    public string FullName { get; }

    /// <summary>Whether it streams.</summary>
    public RpcMethodKind Kind { get; }

    /// <summary>The number in frames; 0 for a method that is offered over gRPC only.</summary>
    public uint Id { get; }

    /// <inheritdoc/>
    public override string ToString() => FullName;

    /// <exception cref="ArgumentException">The method has the other shape.</exception>
    internal void RequireKind(RpcMethodKind kind)
    {
        if (Kind != kind)
        {
            throw new ArgumentException($"{this} is {Kind}; it was called as {kind}.");
        }
    }

    /// <summary>Decodes a reply without knowing its type.</summary>
    internal abstract IMessage ParseReply(ReadOnlySpan<byte> body);
}

/// <summary>A method with the types of its messages.</summary>
public sealed class RpcMethod<TRequest, TReply> : RpcMethod
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    private RpcMethod(string service, string name, RpcMethodKind kind, uint id)
        : base(service, name, kind, id)
    {
    }

    /// <summary>Decodes requests.</summary>
    /// <remarks>
    /// Unknown fields are skipped: nothing passes them on, and kept they would occupy many times their size.
    /// </remarks>
    public MessageParser<TRequest> RequestParser { get; } =
        new MessageParser<TRequest>(() => new TRequest()).WithDiscardUnknownFields(true);

    /// <summary>Decodes replies.</summary>
    /// <inheritdoc cref="RequestParser" path="/remarks"/>
    public MessageParser<TReply> ReplyParser { get; } =
        new MessageParser<TReply>(() => new TReply()).WithDiscardUnknownFields(true);

    internal override IMessage ParseReply(ReadOnlySpan<byte> body) => ReplyParser.ParseFrom(body);

    /// <summary>Calls in flight are reused, so that the steady path allocates only messages.</summary>
    internal ObjectPool<FrameClientCall<TRequest, TReply>> ClientCalls { get; } = new(() => new());

    /// <summary>
    /// A method with one reply, as its .proto file has it, written down once more: to read the descriptors of all
    /// messages of a process takes a third of a second of a processor, at every start. Tests compare the two.
    /// </summary>
    /// <param name="package">Of the .proto file.</param>
    /// <param name="service">Of that package.</param>
    /// <param name="name">Of the method.</param>
    /// <param name="id">Its <c>method_id</c>; 0 for a method that is offered over gRPC only.</param>
    public static RpcMethod<TRequest, TReply> Unary(string package, string service, string name, uint id = 0) =>
        new($"{package}.{service}", name, RpcMethodKind.Unary, id);

    /// <summary>The same for a method with any number of replies.</summary>
    /// <inheritdoc cref="Unary" path="/param"/>
    public static RpcMethod<TRequest, TReply> Streaming(string package, string service, string name, uint id = 0) =>
        new($"{package}.{service}", name, RpcMethodKind.ServerStreaming, id);

    /// <summary>Finds a method of a .proto file: for contracts that no process starts with.</summary>
    /// <exception cref="ArgumentException">
    /// The file has no such method, or its messages or shape are others.
    /// </exception>
    public static RpcMethod<TRequest, TReply> Of(FileDescriptor file, string service, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        var descriptor = file.Services.SingleOrDefault(s => s.Name == service)?.FindMethodByName(name)
            ?? throw new ArgumentException($"{file.Name} has no method {service}/{name}.");
        if (descriptor.InputType.ClrType != typeof(TRequest) || descriptor.OutputType.ClrType != typeof(TReply))
        {
            throw new ArgumentException($"{descriptor.FullName} has other messages.");
        }

        return descriptor.IsClientStreaming
            ? throw new ArgumentException($"{descriptor.FullName} streams requests, which no transport offers.")
            : new RpcMethod<TRequest, TReply>(
                descriptor.Service.FullName,
                descriptor.Name,
                descriptor.IsServerStreaming ? RpcMethodKind.ServerStreaming : RpcMethodKind.Unary,
                descriptor.GetOptions()?.GetExtension(OptionsExtensions.MethodId) ?? 0);
    }
}
