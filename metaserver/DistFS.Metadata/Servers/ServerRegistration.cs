using System.Text;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement;
using DistFS.Primitives;
using DistFS.Protocol;
using ServerState = DistFS.Protocol.ServerState;

namespace DistFS.Metadata.Servers;

/// <summary>Chunk servers come, change and go.</summary>
/// <remarks>
/// A run of a server names the run before it. Of a data folder that was copied, the first copy to register moves the
/// state on to its own run; the second names one that is over, and is refused for good.
/// </remarks>
internal static class ServerRegistration
{
    /// <summary>
    /// A server begins. EEXIST: another data folder has that id. ESTALE: another run has registered since. ENOENT:
    /// there is no such server any more.
    /// </summary>
    public static FsStatus Register(Tree tree, RegisterServerRequest request, MetadataReply reply)
    {
        if (request.Store == 0 || request.Incarnation == 0 || request.Address.Length == 0
            || request.CapacityBytes > ServerRow.CapacityBytesMax
            || Encoding.UTF8.GetByteCount(request.Address) > ServerRow.TextBytesMax
            || Encoding.UTF8.GetByteCount(request.Rack) > ServerRow.TextBytesMax)
        {
            return FsStatus.Invalid;
        }

        var (servers, store) = (tree.Servers, new StoreId(request.Store));
        var id = new ServerId(request.Server);
        ServerRow row;
        if (id.Value == 0 && !servers.TryFind(store, out id))
        {
            id = servers.NextId();
            row = new ServerRow(ServerState.Up, ServerState.Up, store, request.Incarnation, 0, "", "");
        }
        else if (!servers.TryGet(id, out row))
        {
            return FsStatus.NotFound;
        }
        else if (row.Store != store)
        {
            return FsStatus.AlreadyExists;
        }
        else if (row.Incarnation != request.Incarnation && row.Incarnation != request.PreviousIncarnation)
        {
            return FsStatus.Stale;
        }

        servers.Put(id, row with
        {
            State = row.State == ServerState.Down ? row.ComesBackAs : row.State,
            Incarnation = request.Incarnation,
            CapacityBytes = request.CapacityBytes,
            Address = request.Address,
            Rack = request.Rack,
            IsThrough = false,
        });
        if (request.CapacityBytes > 0 && servers.RingUnit == 0)
        {
            // What the ring's tokens stand for must not change with who comes later: all would move.
            var first = new ServerInfo(id, default, (long)request.CapacityBytes, 0, Placement.ServerState.Up);
            servers.SetRingUnit(Ring.UnitFor([first]));
        }

        reply.RegisterServer = new RegisterServerReply { Server = id.Value };
        return FsStatus.Ok;
    }

    /// <summary>Another state. ESTALE: of a run that is over.</summary>
    public static FsStatus SetState(Tree tree, SetServerStateRequest request)
    {
        var id = new ServerId(request.Server);
        if (request.State is not (ServerState.Up or ServerState.Draining or ServerState.Down or ServerState.Full))
        {
            return FsStatus.Invalid;
        }

        var status = Find(tree, id, request.Incarnation, out var row);
        if (status == FsStatus.Ok)
        {
            tree.Servers.Put(id, row.In(request.State));
        }

        return status;
    }

    /// <summary>
    /// All that a server has was compared since it registered. ESTALE: of a run that is over, or it is down.
    /// </summary>
    public static FsStatus EndInventory(Tree tree, EndInventoryRequest request)
    {
        var id = new ServerId(request.Server);
        var status = Find(tree, id, request.Incarnation, out var row);
        if (status == FsStatus.Ok && row.State == ServerState.Down)
        {
            return FsStatus.Stale;
        }

        if (status == FsStatus.Ok)
        {
            tree.Servers.Put(id, row with { IsThrough = true });
        }

        return status;
    }

    /// <summary>A server that is down for good. EBUSY: it is not down, or chunks are to be on it.</summary>
    public static FsStatus Forget(Tree tree, ForgetServerRequest request)
    {
        var id = new ServerId(request.Server);
        if (!tree.Servers.TryGet(id, out var row))
        {
            return FsStatus.NotFound;
        }

        if (row.State != ServerState.Down
            || tree.Chunks.Replicas(id, default, new ChunkId(ulong.MaxValue), 1).Count > 0)
        {
            return FsStatus.Busy;
        }

        var garbage = tree.Chunks.Garbage(id, default, ChunkLayout.StepMax);
        foreach (var (chunk, _) in garbage)
        {
            tree.Chunks.ForgetGarbage(id, chunk);
        }

        if (garbage.Count < ChunkLayout.StepMax)
        {
            tree.Servers.Remove(id, row);
        }

        return FsStatus.Ok;
    }

    /// <summary>A server in that run.</summary>
    public static FsStatus Find(Tree tree, ServerId id, ulong incarnation, out ServerRow row) =>
        !tree.Servers.TryGet(id, out row) ? FsStatus.NotFound
        : row.Incarnation != incarnation ? FsStatus.Stale
        : FsStatus.Ok;
}
