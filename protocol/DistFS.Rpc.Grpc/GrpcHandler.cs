using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Channels;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DistFS.Rpc.Grpc;

/// <summary>Answers HTTP/2 requests for one method.</summary>
internal abstract partial class GrpcHandler(RpcDispatcher dispatcher, GrpcServerOptions options)
{
    protected abstract RpcMethod Method { get; }

    /// <summary>Reads the request, runs the handler, writes the reply, status and trailers.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        using var call = new GrpcServerCall(Method, context, Report);
        var started = RpcMetrics.ServerStart();
        var status = FsStatus.Ok;
        var intercepted = false;
        try
        {
            call.ReadHeaders();
            foreach (var interceptor in dispatcher.Interceptors)
            {
                interceptor.OnCall(call);
            }

            intercepted = true;
            await InvokeAsync(context, call).ConfigureAwait(false);
            Finish(context, null);
        }
        catch (OperationCanceledException e) when (call.DeadlineToken.IsCancellationRequested)
        {
            // Here, since this may run before the token's own callback, which then finds the call disposed.
            call.Expire();
            status = FsStatus.TimedOut;
            Finish(context, new RpcException(ErrorCatalog.DeadlineExceeded,
                $"{Method}: the deadline passed on the server.", e, outcomeUnknown: true));
        }
        catch (Exception e)
        {
            var error = e as RpcException ?? RpcException.FromInfo(RpcException.ToInfo(e));
            status = error.Status;
            if (e is not (DistFsException or OperationCanceledException))
            {
                Report(call, e);
            }

            Finish(context, error);
        }

        if (intercepted)
        {
            Complete(call, status);
        }

        RpcMetrics.ServerEnd(Method, started, status);
    }

    /// <summary>Ends a call that no handler sees.</summary>
    public static Task RefuseAsync(HttpContext context, RpcException error)
    {
        Finish(context, error);
        return Task.CompletedTask;
    }

    /// <summary>
    /// From the request's message to the last reply. When the deadline passes it ends at once, and from then on the
    /// handler, which may still run, no longer touches the request or its response.
    /// </summary>
    protected abstract Task InvokeAsync(HttpContext context, GrpcServerCall call);

    private void Complete(GrpcServerCall call, FsStatus status)
    {
        foreach (var interceptor in dispatcher.Interceptors)
        {
            try
            {
                interceptor.OnCompleted(call, status);
            }
            catch (Exception e)
            {
                // The handler's result stands.
                Report(call, e);
            }
        }
    }

    /// <summary>
    /// What the handler lends is given back when both it and the response are through. A handler that outlives its
    /// deadline fails unheard by its caller, but not by the log.
    /// </summary>
    protected async Task AfterAsync(Task handling, GrpcServerCall call, bool late)
    {
        try
        {
            await handling.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (late && e is not OperationCanceledException)
            {
                Report(call, e);
            }
        }

        call.ReleasePayload();
    }

    /// <summary>What the caller does not learn in full, or at all.</summary>
    protected void Report(GrpcServerCall call, Exception error) =>
        LogHandlerFailed(options.Logger, error, Method.FullName, call.Peer);

    /// <summary>Reads exactly one message; its length is checked before it is received.</summary>
    protected async Task<T> ReadAsync<T>(MessageParser<T> parser, PipeReader reader, CancellationToken cancellation)
        where T : IMessage<T>
    {
        while (true)
        {
            var read = await reader.ReadAsync(cancellation).ConfigureAwait(false);
            var buffer = read.Buffer;
            if (buffer.Length >= GrpcWire.PrefixSize)
            {
                var (compressed, length) = GrpcWire.ReadPrefix(buffer);
                if (compressed)
                {
                    throw new RpcException(ErrorCatalog.BadRequest,
                        $"{Method}: compressed messages are not supported.", null, FsStatus.NotSupported);
                }

                if (length > options.MessageBytesMax)
                {
                    throw new RpcException(
                        ErrorCatalog.MessageTooLarge,
                        $"{Method}: a request of {length} bytes; the limit is {options.MessageBytesMax}.");
                }

                var end = GrpcWire.PrefixSize + (long)length;
                if (buffer.Length > end)
                {
                    throw new RpcException(ErrorCatalog.BadRequest, $"{Method}: more than one request message.");
                }

                if (buffer.Length == end)
                {
                    var message = Parse(parser, buffer.Slice(GrpcWire.PrefixSize, length));
                    reader.AdvanceTo(buffer.End);
                    return message;
                }
            }

            if (read.IsCompleted)
            {
                throw new RpcException(ErrorCatalog.BadRequest, $"{Method}: the request ends before its message.");
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    protected static async Task WriteAsync(HttpContext context, IMessage message, CancellationToken cancellation)
    {
        BeginResponse(context.Response);
        GrpcWire.WriteMessage(context.Response.BodyWriter, message);
        var flushed = await context.Response.BodyWriter.FlushAsync(cancellation).ConfigureAwait(false);
        if (flushed.IsCompleted)
        {
            throw new OperationCanceledException("The caller has gone.");
        }
    }

    private T Parse<T>(MessageParser<T> parser, ReadOnlySequence<byte> body)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(body);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(ErrorCatalog.BadRequest, $"{Method}: {e.Message}", e);
        }
    }

    private static void BeginResponse(HttpResponse response)
    {
        if (!response.HasStarted)
        {
            response.ContentType = GrpcWire.ContentType;
            response.Headers[GrpcWire.AcceptEncodingHeader] = GrpcWire.Identity;
        }
    }

    private static void Finish(HttpContext context, RpcException? error)
    {
        var response = context.Response;
        BeginResponse(response);
        if (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        var status = error == null ? GrpcStatus.Ok : GrpcStatusMap.ToGrpc(error);
        response.AppendTrailer(GrpcWire.StatusHeader, ((int)status).ToString("d", null));
        if (error != null)
        {
            response.AppendTrailer(GrpcWire.MessageHeader, GrpcWire.EncodeMessage(error.Message));
            response.AppendTrailer(GrpcWire.CodeHeader, error.Code.Id);
            response.AppendTrailer(
                GrpcWire.ErrorHeader, Convert.ToBase64String(RpcException.ToInfo(error).ToByteArray()).TrimEnd('='));
        }
    }

    [LoggerMessage(1251, LogLevel.Error, "Handler of {Method} failed, called by {Peer}")]
    private static partial void LogHandlerFailed(ILogger logger, Exception error, string method, RpcPeer peer);

    /// <summary>Makes the handler of each binding.</summary>
    internal sealed class Factory(RpcDispatcher dispatcher, GrpcServerOptions options) : IRpcBindingVisitor<GrpcHandler>
    {
        public GrpcHandler Visit<TRequest, TReply>(UnaryBinding<TRequest, TReply> binding)
            where TRequest : class, IMessage<TRequest>, new()
            where TReply : class, IMessage<TReply>, new() =>
            new GrpcUnaryHandler<TRequest, TReply>(binding, dispatcher, options);

        public GrpcHandler Visit<TRequest, TReply>(StreamBinding<TRequest, TReply> binding)
            where TRequest : class, IMessage<TRequest>, new()
            where TReply : class, IMessage<TReply>, new() =>
            new GrpcStreamHandler<TRequest, TReply>(binding, dispatcher, options);
    }
}

/// <summary>One request, one reply; a payload is a field of its message here.</summary>
internal sealed class GrpcUnaryHandler<TRequest, TReply>(
    UnaryBinding<TRequest, TReply> binding, RpcDispatcher dispatcher, GrpcServerOptions options)
    : GrpcHandler(dispatcher, options)
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    protected override RpcMethod Method => binding.TypedMethod;

    protected override async Task InvokeAsync(HttpContext context, GrpcServerCall call)
    {
        var request = await ReadAsync(binding.TypedMethod.RequestParser,
            context.Request.BodyReader, call.CancellationToken).ConfigureAwait(false);
        if (request is ICarriesPayload carrier)
        {
            call.TakePayload(carrier);
        }

        var handling = HandleAsync(request, call);
        try
        {
            var reply = await handling.WaitAsync(call.DeadlineToken).ConfigureAwait(false);
            if (reply is ICarriesPayload replyCarrier)
            {
                call.PutPayload(replyCarrier);
            }

            await WriteAsync(context, reply, call.CancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _ = AfterAsync(handling, call, late: !handling.IsCompleted);
        }
    }

    private async Task<TReply> HandleAsync(TRequest request, GrpcServerCall call) =>
        await binding.Handler(request, call).ConfigureAwait(false);
}

/// <summary>One request, many replies; HTTP/2 flow control holds the handler back.</summary>
internal sealed class GrpcStreamHandler<TRequest, TReply>(
    StreamBinding<TRequest, TReply> binding, RpcDispatcher dispatcher, GrpcServerOptions options)
    : GrpcHandler(dispatcher, options)
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    protected override RpcMethod Method => binding.TypedMethod;

    protected override async Task InvokeAsync(HttpContext context, GrpcServerCall call)
    {
        var request = await ReadAsync(binding.TypedMethod.RequestParser,
            context.Request.BodyReader, call.CancellationToken).ConfigureAwait(false);
        var writer = new Writer(context, call);
        var handling = HandleAsync(request, writer, call);
        try
        {
            await handling.WaitAsync(call.DeadlineToken).ConfigureAwait(false);
        }
        finally
        {
            await writer.CloseAsync().ConfigureAwait(false);
            _ = AfterAsync(handling, call, late: !handling.IsCompleted);
        }
    }

    private async Task HandleAsync(TRequest request, Writer writer, GrpcServerCall call) =>
        await binding.Handler(request, writer, call).ConfigureAwait(false);

    private sealed class Writer(HttpContext context, GrpcServerCall call) : IReplyWriter<TReply>
    {
        // One write at a time, none after the end. A channel of one token: it needs no disposal, and a handler that
        // ignores its deadline may still come here.
        private readonly Channel<byte> _turn = OneTurn();
        private bool _closed;

        public async ValueTask WriteAsync(TReply reply)
        {
            await _turn.Reader.ReadAsync(call.CancellationToken).ConfigureAwait(false);
            try
            {
                if (_closed)
                {
                    throw new OperationCanceledException("The call has ended.");
                }

                await GrpcHandler.WriteAsync(context, reply, call.CancellationToken).ConfigureAwait(false);
            }
            finally
            {
                _turn.Writer.TryWrite(0);
            }
        }

        /// <summary>Waits for a write that is under way, which the deadline cancels; later ones are refused.</summary>
        public async Task CloseAsync()
        {
            await _turn.Reader.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            _closed = true;
            _turn.Writer.TryWrite(0);
        }

        private static Channel<byte> OneTurn()
        {
            var channel = Channel.CreateBounded<byte>(1);
            channel.Writer.TryWrite(0);
            return channel;
        }
    }
}
