using DistFS.Chunkserver.Stores;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Cluster;

/// <summary>
/// Takes the versions that the leader tells: when it answers, older ones are refused, after a restart too.
/// </summary>
/// <param name="self">Who this server is.</param>
/// <param name="host">Where versions begin.</param>
internal sealed class FenceService(Func<ServerFile> self, IAgentHost host)
{
    /// <summary>Offers the method.</summary>
    public void AddTo(RpcDispatcher dispatcher) =>
        dispatcher.Handle(ChunkServerMethods.Fence, FenceAsync, HandlerScheduling.Pool);

    private async ValueTask<FenceReply> FenceAsync(FenceRequest request, ServerCall call)
    {
        var who = self();
        if (request.Server == 0 || request.Server != who.Server.Value || request.Incarnation != who.Run)
        {
            // What another server at this address was told, or an earlier run, this one may have missed.
            throw new RpcException(
                ErrorCatalog.ChunkServerRunOver,
                $"This is server {who.Server} in another run than that of {new ServerId(request.Server)}.");
        }

        if (request.Fences.Count > AgentCore.PageMax)
        {
            throw new RpcException(ErrorCatalog.BadRequest, $"At most {AgentCore.PageMax} versions are told at once.");
        }

        // Not given up half-way: who asked may be gone, and what was begun is begun.
        var unsettled = await host.FenceAsync(request.Fences, request.Members, CancellationToken.None)
            .ConfigureAwait(false);
        return new FenceReply { Unsettled = { unsettled.Select(static chunk => chunk.Value) } };
    }
}
