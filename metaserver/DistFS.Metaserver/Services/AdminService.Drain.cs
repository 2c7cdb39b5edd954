using DistFS.Metadata.Reads;
using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Services;

/// <content>
/// Emptying a chunk server: it gets no new chunks, and repair copies those that it has to others and drops them here
/// (docs/design/placement.md).
/// </content>
internal sealed partial class AdminService
{
    /// <summary>More are not counted: who asks every second must not cost a walk over millions of rows.</summary>
    private const int ChunksCountedMax = 65_536;

    private async ValueTask<DrainReply> DrainAsync(DrainRequest request, ServerCall call)
    {
        if (!driver.IsLeader)
        {
            return NotLeader();
        }

        var id = new ServerId(request.Server);
        var row = RowOf(id);
        var wanted = request.Undo ? ServerState.Up : ServerState.Draining;
        if (!request.CheckOnly && (row.State == ServerState.Draining) == request.Undo)
        {
            RequireAlive(id, row);
            var command = new MetadataCommand
            {
                SetServerState = new SetServerStateRequest
                {
                    Server = id.Value,
                    Incarnation = row.Incarnation,
                    State = wanted,
                },
            };
            if (await ProposeAsync(command, call).ConfigureAwait(false) is not { } reply)
            {
                return NotLeader();
            }

            if (reply.Status == (int)FsStatus.Stale)
            {
                throw new RpcException(ErrorCatalog.Overloaded, $"Chunk server {id} has just begun again; try again.");
            }

            if (reply.Status != 0)
            {
                throw Failed(reply);
            }
        }

        var (state, chunks) = CountOf(id);
        return new DrainReply
        {
            IsDraining = state == ServerState.Draining,
            Chunks = (uint)Math.Min(chunks, ChunksCountedMax),
            HasMore = chunks > ChunksCountedMax,
        };

        DrainReply NotLeader()
        {
            var (status, code, leader) = Redirection.Of(driver);
            return new DrainReply { Status = status, Code = code, Leader = leader };
        }
    }

    /// <summary>What a server that is down has is copied from others anyway, and nothing goes to it.</summary>
    private static void RequireAlive(ServerId id, ServerRow row)
    {
        if (row.State == ServerState.Down)
        {
            throw new RpcException(
                ErrorCatalog.BadRequest,
                $"Chunk server {id} is down: its chunks are copied from others without being asked.");
        }
    }

    private ServerRow RowOf(ServerId id) => state.Read(id, static (store, id) =>
        MetadataView.Open(store)!.Tree.Servers.TryGet(id, out var row) ? row : null) ?? throw new RpcException(
            ErrorCatalog.ChunkServerUnknown, $"Cluster {identity.Cluster} has no chunk server {id}.");

    private (ServerState State, int Chunks) CountOf(ServerId id) => state.Read(id, static (store, id) =>
    {
        var tree = MetadataView.Open(store)!.Tree;
        return (
            tree.Servers.TryGet(id, out var row) ? row.State : ServerState.None,
            tree.Chunks.Replicas(id, default, new ChunkId(ulong.MaxValue), ChunksCountedMax + 1).Count);
    });
}
