using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Frames;
using Google.Protobuf;

namespace DistFS.Rpc.Grpc;

/// <summary>
/// Calls over gRPC: for tools that must pass through proxies, and for tests of the server. Inside a cluster frames are
/// used, which need less than a tenth of the processor time.
/// </summary>
public sealed class GrpcCaller : IRpcCaller, IDisposable
{
    private readonly HttpClient _http;
    private readonly Uri _base;
    private readonly string _name;
    private readonly int _messageBytesMax;

    /// <summary>Nothing is connected before the first call.</summary>
    /// <param name="address">TCP or Unix socket.</param>
    /// <param name="tls">Set to use TLS.</param>
    /// <param name="messageBytesMax">A reply may have so many bytes.</param>
    public GrpcCaller(RpcAddress address, SslClientAuthenticationOptions? tls = null, int messageBytesMax = 8 << 20)
    {
        ArgumentNullException.ThrowIfNull(address);
        _messageBytesMax = messageBytesMax;
        _name = address.ToString();
        _base = new Uri(
            $"{(tls == null ? "http" : "https")}://{(address.Path == null ? address.ToString() : "localhost")}");
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
        };
        if (tls != null)
        {
            handler.SslOptions = tls;
        }

        if (address.Path != null)
        {
            handler.ConnectCallback = async (_, cancellation) =>
            {
                var socket = address.CreateSocket();
                try
                {
                    await socket.ConnectAsync(address.ToEndPoint(), cancellation).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }

        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <inheritdoc/>
    public ValueTask<RpcReply<TReply>> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, in CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new() => CallCoreAsync(method, request, options);

    /// <inheritdoc/>
    public async IAsyncEnumerable<TReply> StreamAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(options.Cancellation);
        Limit(limit, options.Timeout);
        using var response = await Guard(method, options, SendAsync(method, request, options, limit.Token))
            .ConfigureAwait(false);
        var reader = await OpenAsync(response, limit.Token).ConfigureAwait(false);
        try
        {
            while (await Guard(method, options, ReadAsync(method, reader, limit.Token))
                .ConfigureAwait(false) is { } reply)
            {
                yield return reply;
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }

        ThrowUnlessOk(method, response.TrailingHeaders);
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _http.Dispose();

    private async ValueTask<RpcReply<TReply>> CallCoreAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CallOptions options)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(options.Cancellation);
        Limit(limit, options.Timeout);
        using var response = await Guard(method, options, SendAsync(method, request, options, limit.Token))
            .ConfigureAwait(false);
        var reader = await OpenAsync(response, limit.Token).ConfigureAwait(false);
        try
        {
            var reply = await Guard(method, options, ReadAsync(method, reader, limit.Token))
                .ConfigureAwait(false);
            if (reply != null
                && await Guard(method, options, ReadAsync(method, reader, limit.Token))
                    .ConfigureAwait(false) != null)
            {
                throw new RpcException(
                    ErrorCatalog.ProtocolViolation, $"{method}: more than one reply.", outcomeUnknown: true);
            }

            ThrowUnlessOk(method, response.TrailingHeaders);
            return reply == null
                ? throw new RpcException(
                    ErrorCatalog.ProtocolViolation, $"{method}: no reply message.", outcomeUnknown: true)
                : new RpcReply<TReply>(reply, TakePayload(reply, options.Sink));
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    /// <summary>As over frames: not positive is refused, longer than a timer can be set for is without end.</summary>
    private static void Limit(CancellationTokenSource limit, TimeSpan timeout)
    {
        if (FrameConnection.Deadline(timeout) != ServerCall.NoDeadline)
        {
            limit.CancelAfter(timeout);
        }
    }

    private static Payload TakePayload(IMessage reply, IPayloadSink? sink)
    {
        if (reply is not ICarriesPayload { Payload.Length: > 0 } carrier)
        {
            return default;
        }

        if (sink != null)
        {
            sink.Begin(carrier.Payload.Length);
            sink.Feed(carrier.Payload.Span);
            carrier.Payload = ByteString.Empty;
            return default;
        }

        var buffer = PooledBuffer.Rent(carrier.Payload.Length);
        carrier.Payload.Span.CopyTo(buffer.Memory(buffer.Lease).Span);
        carrier.Payload = ByteString.Empty;
        return new Payload(buffer);
    }

    private async Task<HttpResponseMessage> SendAsync<TRequest>(
        RpcMethod method, TRequest request, CallOptions options, CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>, new()
    {
        if (!options.Payload.IsEmpty)
        {
            // The message is the caller's: it gets the payload in a copy of its own.
            var carrier = request.Clone() as ICarriesPayload
                ?? throw new ArgumentException($"{method} takes no payload.");
            carrier.Payload = UnsafeByteOperations.UnsafeWrap(options.Payload);
            request = (TRequest)carrier;
        }

        var body = new ArrayBufferWriter<byte>(GrpcWire.PrefixSize + request.CalculateSize());
        GrpcWire.WriteMessage(body, request);
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(_base, "/" + method.FullName))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ReadOnlyMemoryContent(body.WrittenMemory),
        };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue(GrpcWire.ContentType);
        message.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        message.Headers.Add(GrpcWire.TimeoutHeader, GrpcWire.FormatTimeout(options.Timeout));
        var trace = options.TraceId.IsNone ? TraceId.Current : options.TraceId;
        if (!trace.IsNone)
        {
            message.Headers.Add(GrpcWire.TraceHeader, $"00-{trace}-{1:x16}-01");
        }

        var response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation)
            .ConfigureAwait(false);
        try
        {
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw new RpcException(
                    ErrorCatalog.ProtocolViolation,
                    $"{method}: the server answered HTTP {(int)response.StatusCode}.",
                    outcomeUnknown: true);
            }

            // "Trailers-Only": a failure without messages has its status in the headers.
            if (response.Headers.Contains(GrpcWire.StatusHeader))
            {
                ThrowUnlessOk(method, response.Headers);
            }

            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static async Task<PipeReader> OpenAsync(HttpResponseMessage response, CancellationToken cancellation) =>
        PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false));

    /// <summary>The next message; null at the end.</summary>
    private async Task<TReply?> ReadAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, PipeReader reader, CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        while (true)
        {
            var read = await reader.ReadAsync(cancellation).ConfigureAwait(false);
            var buffer = read.Buffer;
            if (buffer.Length >= GrpcWire.PrefixSize)
            {
                var (compressed, length) = GrpcWire.ReadPrefix(buffer);
                if (compressed || length > _messageBytesMax)
                {
                    throw new RpcException(
                        ErrorCatalog.MessageTooLarge,
                        $"{method}: a reply of {length} bytes{(compressed ? ", compressed" : "")}; "
                        + $"the limit is {_messageBytesMax}.",
                        outcomeUnknown: true);
                }

                if (buffer.Length >= GrpcWire.PrefixSize + length)
                {
                    var body = buffer.Slice(GrpcWire.PrefixSize, length);
                    var reply = method.ReplyParser.ParseFrom(body);
                    reader.AdvanceTo(body.End);
                    return reply;
                }
            }

            if (read.IsCompleted)
            {
                return buffer.IsEmpty ? null : throw new RpcException(
                    ErrorCatalog.ProtocolViolation,
                    $"{method}: the reply ends within a message.",
                    outcomeUnknown: true);
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static void ThrowUnlessOk(RpcMethod method, HttpResponseHeaders headers)
    {
        if (!headers.TryGetValues(GrpcWire.StatusHeader, out var values)
            || !int.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            throw new RpcException(
                ErrorCatalog.ConnectionLost, $"{method}: the reply has no status.", outcomeUnknown: true);
        }

        if (number == (int)GrpcStatus.Ok)
        {
            return;
        }

        if (headers.TryGetValues(GrpcWire.ErrorHeader, out var details)
            && GrpcWire.TryDecodeError(details.First(), out var info))
        {
            throw RpcException.FromInfo(info);
        }

        var (code, status) = GrpcStatusMap.FromGrpc((GrpcStatus)number);
        var text = headers.TryGetValues(GrpcWire.MessageHeader, out var messages) ? messages.First() : "";
        throw new RpcException(
            code,
            $"{method}: {GrpcWire.DecodeMessage(text)} (gRPC status {number})",
            null,
            status,
            outcomeUnknown: true);
    }

    /// <summary>Turns what HttpClient throws into our errors.</summary>
    private async Task<T> Guard<T>(RpcMethod method, CallOptions options, Task<T> task)
    {
        try
        {
            return await task.ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!options.Cancellation.IsCancellationRequested)
        {
            throw new RpcException(
                ErrorCatalog.DeadlineExceeded,
                $"{method}: no answer from {_name} in time.",
                e,
                outcomeUnknown: true);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(
                ErrorCatalog.ProtocolViolation, $"{method}: a malformed reply: {e.Message}", e, outcomeUnknown: true);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError
            or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError)
        {
            throw new RpcException(ErrorCatalog.ConnectFailed, $"{_name}: {e.Message}", e);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.VersionNegotiationError)
        {
            throw new RpcException(ErrorCatalog.NotDistFs, $"{_name}: {e.Message}", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new RpcException(
                ErrorCatalog.ConnectionLost, $"{method}: {_name}: {e.Message}", e, outcomeUnknown: true);
        }
    }
}
