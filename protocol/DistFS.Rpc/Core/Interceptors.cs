using DistFS.Primitives;

namespace DistFS.Rpc;

/// <summary>Sees every call of a server, over every transport: authentication, audit, admission.</summary>
public interface IServerInterceptor
{
    /// <summary>
    /// Before the handler, on the thread where the handler will start. Throw an <see cref="RpcException"/> (such as
    /// <see cref="ErrorCatalog.Unauthenticated"/>) to refuse; must not block.
    /// </summary>
    void OnCall(ServerCall call);

    /// <summary>After the handler; not called for a call that <see cref="OnCall"/> refused.</summary>
    void OnCompleted(ServerCall call, FsStatus status)
    {
    }
}

/// <summary>Sees every call that a client makes, over every transport.</summary>
public interface IClientInterceptor
{
    /// <summary>Before the request is sent; the result replaces the options. Must not block.</summary>
    CallOptions OnCall(RpcMethod method, in CallOptions options);
}
