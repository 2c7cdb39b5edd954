using DistFS.Chunkserver.Stores;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Scrubbing;

/// <summary>Tells how far the check of what is stored is, and begins a pass.</summary>
internal sealed class ScrubService(ScrubRunner runner, StoreSet stores, Mender mender)
{
    /// <summary>Offers the method.</summary>
    public void AddTo(RpcDispatcher dispatcher) =>
        dispatcher.Handle(ChunkServerMethods.Scrub, Scrub, HandlerScheduling.Inline);

    private ValueTask<ScrubReply> Scrub(ScrubRequest request, ServerCall call)
    {
        if (request.Start)
        {
            runner.Start();
        }

        return new(new ScrubReply
        {
            IsRunning = runner.IsRunning,
            Passes = (ulong)runner.Passes,
            Chunks = (ulong)runner.Chunks,
            Bytes = (ulong)runner.Bytes,
            DamagedBlocks = (ulong)stores.DamagedBlocks,
            LostCopies = (ulong)stores.LostCopies,
            MendedCopies = (ulong)mender.Mended,
            Mending = (uint)mender.Mending,
        });
    }
}
