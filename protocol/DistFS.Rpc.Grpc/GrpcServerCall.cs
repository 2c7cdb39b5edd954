using System.Buffers;
using System.Text;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace DistFS.Rpc.Grpc;

/// <summary>A gRPC call as its handler sees it.</summary>
internal sealed class GrpcServerCall : ServerCall, IDisposable
{
    private readonly HttpContext _context;
    private readonly Action<GrpcServerCall, Exception> _report;
    private readonly CancellationTokenSource _deadline = new();
    private readonly CancellationTokenRegistration _aborted;
    private readonly CancellationTokenRegistration _expired;

    public GrpcServerCall(RpcMethod method, HttpContext context, Action<GrpcServerCall, Exception> report)
    {
        _context = context;
        _report = report;
        Method = method;
        Peer = new RpcPeer(
            "grpc",
            context.Connection.RemoteIpAddress == null
                ? null
                : new System.Net.IPEndPoint(context.Connection.RemoteIpAddress, context.Connection.RemotePort),
            context.Request.Headers.UserAgent.ToString(),
            Encoding.UTF8.GetBytes(context.Request.Headers.Authorization.ToString()),
            Caller: null);
        TraceId = GrpcWire.ParseTrace(context.Request.Headers[GrpcWire.TraceHeader]);
        _aborted = context.RequestAborted.UnsafeRegister(static call => ((GrpcServerCall)call!).Cancel(), this);
        _expired = _deadline.Token.UnsafeRegister(static call => ((GrpcServerCall)call!).Cancel(), this);
    }

    public override RpcMethod Method { get; }

    public override RpcPeer Peer { get; }

    /// <summary>Cancelled when the caller's deadline passes.</summary>
    public CancellationToken DeadlineToken => _deadline.Token;

    /// <summary>Deadline and encoding; what is not honoured is refused.</summary>
    public void ReadHeaders()
    {
        var headers = _context.Request.Headers;
        var encoding = headers[GrpcWire.EncodingHeader].ToString();
        if (encoding.Length > 0 && encoding != GrpcWire.Identity)
        {
            throw new RpcException(ErrorCatalog.BadRequest,
                $"{Method}: grpc-encoding '{encoding}' is not supported.", null, FsStatus.NotSupported);
        }

        var text = headers[GrpcWire.TimeoutHeader].ToString();
        if (text.Length == 0)
        {
            return;
        }

        if (!GrpcWire.TryParseTimeout(text, out var timeout))
        {
            throw new RpcException(ErrorCatalog.BadRequest, $"{Method}: grpc-timeout '{text}' is malformed.");
        }

        // Longer than a timer can be set for is for ever.
        if (timeout.TotalMilliseconds < uint.MaxValue - 1)
        {
            DeadlineTicks = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
            _deadline.CancelAfter(timeout);
        }
    }

    /// <summary>The deadline has passed: the handler is told.</summary>
    public void Expire() => Cancel();

    public void TakePayload(ICarriesPayload request)
    {
        Payload = request.Payload.Memory;
        request.Payload = ByteString.Empty;
    }

    public void PutPayload(ICarriesPayload reply)
    {
        if (!ReplyPayload.IsEmpty)
        {
            reply.Payload = UnsafeByteOperations.UnsafeWrap(
                ReplyPayload.IsSingleSegment ? ReplyPayload.First : ReplyPayload.ToArray());
        }
    }

    public void ReleasePayload()
    {
        try
        {
            DropReplyPayload();
        }
        catch (Exception e)
        {
            // The owner's own affair.
            _report(this, e);
        }
    }

    public void Dispose()
    {
        _aborted.Dispose();
        _expired.Dispose();

        // With its timer, which else would keep all this until a deadline that may be far. Handlers hold another token.
        _deadline.Dispose();
    }

    protected override void CancellationFailed(Exception error) => _report(this, error);
}
