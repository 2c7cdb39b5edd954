using DistFS.Primitives;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <summary>A streaming call; made anew for each.</summary>
internal sealed class FrameStreamCall<TRequest, TReply>(StreamBinding<TRequest, TReply> binding, FrameHandlers handlers)
    : FrameServerCall, IReplyWriter<TReply>, IBlockedStream
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage<TReply>, new()
{
    private TRequest? _request;
    private long _credit;
    private TaskCompletionSource? _wake;
    private int _writing;

    public override RpcMethod Method => binding.TypedMethod;

    public override HandlerScheduling Scheduling => HandlerScheduling.Pool;

    protected override FrameHandlers Handlers => handlers;

    public override RpcException? Parse(ReadOnlySpan<byte> body)
    {
        _credit = Connection.StreamCredit;
        try
        {
            _request = binding.TypedMethod.RequestParser.ParseFrom(body);
            return null;
        }
        catch (InvalidProtocolBufferException e)
        {
            return new RpcException(ErrorCatalog.BadRequest, $"{Method}: {e.Message}", e);
        }
    }

    public async ValueTask WriteAsync(TReply reply)
    {
        if (Interlocked.Exchange(ref _writing, 1) != 0)
        {
            throw new InvalidOperationException("One reply at a time: await the last one first.");
        }

        try
        {
            await WriteNextAsync(reply).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    private async ValueTask WriteNextAsync(TReply reply)
    {
        while (true)
        {
            ThrowIfCancelled();
            var wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _wake, wake);
            if (Connection.TrySendItem(this, reply, this, ref _credit))
            {
                return;
            }

            await wake.Task.WaitAsync(CancellationToken).ConfigureAwait(false);
        }
    }

    public void Grant(long bytes)
    {
        _credit += bytes;
        Wake();
    }

    public void Wake() => Volatile.Read(ref _wake)?.TrySetResult();

    protected override void Run() => _ = RunAsync();

    // Not reused: a stream is long, and its parts may still be held by whoever wakes it.
    protected override void Recycle()
    {
    }

    private async Task RunAsync()
    {
        try
        {
            await binding.Handler(_request!, this, this).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            FailWith(e);
            return;
        }

        Succeed(null);
    }
}
