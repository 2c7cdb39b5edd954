using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;

namespace DistFS.Metaserver.Chunks;

/// <summary>Tells chunk servers of new versions.</summary>
internal interface IFenceSender
{
    /// <summary>One attempt. Null: it is not known that the server knows; not before some time has passed.</summary>
    Task<FenceReply?> TrySendAsync(string address, FenceRequest request, CancellationToken limit);
}

/// <summary>Calls <c>ChunkServer.Fence</c> over connections that are kept.</summary>
internal sealed class FenceSender : IFenceSender, IAsyncDisposable
{
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly FrameChannels _channels = new();

    /// <inheritdoc/>
    public async Task<FenceReply?> TrySendAsync(string address, FenceRequest request, CancellationToken limit)
    {
        try
        {
            // An address that cannot be parsed is that of a server that lies, or of a newer version.
            return await _channels.To(address)
                .CallAsync(ChunkServerMethods.Fence, request, AttemptTimeout, limit).ConfigureAwait(false);
        }
        catch (Exception e) when (e is DistFsException or OperationCanceledException or ObjectDisposedException)
        {
            // Silent, gone, restarted, or another server: it is asked again, or taken out.
            using var timer = new PeriodicTimer(Pause);
            try
            {
                await timer.WaitForNextTickAsync(limit).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // The caller looks at that.
            }

            return null;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _channels.DisposeAsync();
}
