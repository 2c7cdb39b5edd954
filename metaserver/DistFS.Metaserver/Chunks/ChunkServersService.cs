using DistFS.Metadata.Reads;
using DistFS.Metadata.Servers;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Chunks;

/// <summary>What chunk servers say to the leader, and what it tells them (docs/design/chunkservers.md).</summary>
internal sealed partial class ChunkServersService(
    IChunkLeading leading,
    IMetadataRows state,
    IProposals proposals,
    ChunkServerOptions options,
    ClusterId cluster,
    ILogger logger)
{
    /// <summary>Results, losses, copies or deletions in one message.</summary>
    private const int PageMax = Metadata.Servers.Inventory.PageMax;

    private const uint BackWithinMsMax = 3_600_000;
    private const int ServersPage = 1_000;

    private static readonly string[] ClassNames =
        ["last-copy", "many-missing", "some-missing", "corrupt", "draining", "racks", "moving", "surplus"];

    /// <summary>Offers the service.</summary>
    public void AddTo(RpcDispatcher dispatcher) => dispatcher
        .Handle(ChunkServersMethods.Register, RegisterAsync, HandlerScheduling.Inline)
        .Handle(ChunkServersMethods.Heartbeat, Heartbeat, HandlerScheduling.Inline)
        .Handle(ChunkServersMethods.Inventory, InventoryAsync, HandlerScheduling.Inline)
        .Handle(ChunkServersMethods.ConfirmDeleted, ConfirmDeletedAsync, HandlerScheduling.Inline)
        .Handle(ChunkServersMethods.RepairStatus, RepairStatusOf, HandlerScheduling.Inline)
        .Handle(ChunkServersMethods.ListServers, ListServers, HandlerScheduling.Inline)
        .Handle(ChunkServersMethods.Locate, Locate, HandlerScheduling.Inline);

    private async ValueTask<RegisterServerAnswer> RegisterAsync(RegisterServerRequest request, ServerCall call)
    {
        if (!leading.TryLead(out var lead, out var answer))
        {
            return new RegisterServerAnswer { Answer = answer };
        }

        if (!RpcAddress.TryParse(request.Address, out _))
        {
            throw new RpcException(ErrorCatalog.BadRequest, "The address of a chunk server is host:port.");
        }

        var reply = await ProposeAsync(new MetadataCommand { RegisterServer = request }, call).ConfigureAwait(false);
        if (reply.RegisterServer is not { } registered)
        {
            LogRefused(logger, request.Server, request.Address, (FsStatus)reply.Status);
            return new RegisterServerAnswer { Answer = AnswerOf(reply.Status) };
        }

        var id = new ServerId(registered.Server);
        if (RowOf(id) is ({ } row, var position))
        {
            lead.AreRowsOld = true;
            lead.Servers.Registered(id, row, position, leading.NowMs);
        }

        return new RegisterServerAnswer
        {
            Answer = new ServerAnswer(),
            Server = id.Value,
            ClusterHigh = (ulong)(cluster.Value >> 64),
            ClusterLow = (ulong)cluster.Value,
        };
    }

    private ValueTask<HeartbeatReply> Heartbeat(HeartbeatRequest request, ServerCall call)
    {
        if (!leading.TryLead(out var lead, out var answer))
        {
            return new(new HeartbeatReply { Answer = answer });
        }

        if (request.Results.Count > PageMax || request.Lost.Count > PageMax || request.BackWithinMs > BackWithinMsMax)
        {
            throw new RpcException(
                ErrorCatalog.BadRequest,
                $"A heartbeat has at most {PageMax} results and losses, and a server is away for an hour at most.");
        }

        // Before the rows are looked at: what the server is told is of this position or later.
        var reply = new HeartbeatReply
        {
            Answer = new ServerAnswer(),
            Position = state.AppliedIndex.Value,
            ServeMs = options.ServeMs,
        };
        var status = lead.Servers.Hear(request, leading.NowMs, reply, out var garbage);
        if (status != FsStatus.Ok)
        {
            return new(new HeartbeatReply { Answer = AnswerOf((int)status) });
        }

        var server = new ServerId(request.Server);
        if (reply.IsUnknown)
        {
            return new(reply);
        }

        if (!lead.HasRoom && request.Results.Count + request.Lost.Count > 0)
        {
            // It is alive all the same.
            throw new RpcException(ErrorCatalog.Overloaded, "Too many reports of chunk servers wait.");
        }

        foreach (var result in request.Results)
        {
            lead.Results.Enqueue((server, result));
        }

        foreach (var lost in request.Lost)
        {
            lead.Lost.Enqueue(new LossReport(server, lost, new LogIndex(request.Position)));
        }

        reply.CopyBytesPerSecond = leading.RateOf(server);
        if (garbage > 0)
        {
            AddDeletes(lead, server, garbage, reply);
        }

        return new(reply);
    }

    private void AddDeletes(ChunkLead lead, ServerId server, ulong told, HeartbeatReply reply)
    {
        var rows = state.Read(server, static (store, server) =>
            MetadataView.Open(store)!.Tree.Chunks.Garbage(server, default, PageMax));
        foreach (var (chunk, row) in rows)
        {
            reply.Deletes.Add(row.OrderFor(chunk));
        }

        if (rows.Count == 0)
        {
            lead.Servers.NoGarbage(server, told);
        }
    }

    private async ValueTask<ServerAnswer> ConfirmDeletedAsync(ConfirmDeletedRequest request, ServerCall call)
    {
        if (!leading.TryLead(out var lead, out var answer))
        {
            return answer;
        }

        if (request.Deleted.Count > PageMax)
        {
            throw new RpcException(ErrorCatalog.BadRequest, $"At most {PageMax} deletions are confirmed at once.");
        }

        if (StatusOf(lead, new ServerId(request.Server), request.Incarnation) is not FsStatus.Ok and var refused)
        {
            return AnswerOf((int)refused);
        }

        var reply = await ProposeAsync(new MetadataCommand { ConfirmDeleted = request }, call).ConfigureAwait(false);
        return AnswerOf(reply.Status);
    }

    private ValueTask<RepairStatusReply> RepairStatusOf(RepairStatusRequest request, ServerCall call)
    {
        if (!leading.TryLead(out var lead, out var answer))
        {
            return new(new RepairStatusReply { Answer = answer });
        }

        if (lead.Status is not { } status)
        {
            return new(new RepairStatusReply { Answer = ChunkLeading.Starting });
        }

        var reply = new RepairStatusReply
        {
            Answer = new ServerAnswer(),
            Parked = (uint)status.Parked,
            Unavailable = (uint)status.Unavailable,
            CopiesUnderWay = (uint)status.InFlight,
            BytesLeft = (ulong)status.PendingBytes,
            BytesPerSecond = (ulong)status.BytesPerSecond,
            IsComplete = status.IsComplete,
            UnknownCopies = (ulong)lead.Unknown,
            Chunks = state.Read(0, static (store, _) => MetadataView.Open(store)!.Tree.Chunks.Count),
        };
        if (status.EtaMs is { } eta)
        {
            reply.EtaMs = (ulong)eta;
        }

        for (var i = 0; i < status.Queued.Count; i++)
        {
            reply.Classes.Add(new RepairClassStatus { Name = ClassNames[i], Chunks = (uint)status.Queued[i] });
        }

        return new(reply);
    }

    private ValueTask<ListServersReply> ListServers(ListServersRequest request, ServerCall call)
    {
        if (!leading.TryLead(out var lead, out var answer))
        {
            return new(new ListServersReply { Answer = answer });
        }

        var (page, more) = lead.Servers.List(request.After, ServersPage);
        var reply = new ListServersReply { Answer = new ServerAnswer(), More = more };
        reply.Servers.Add(page);
        return new(reply);
    }

    /// <summary>
    /// From the state as it is here: who asks compares versions, and what he reads is checked anyway.
    /// </summary>
    private ValueTask<LocateChunkReply> Locate(LocateChunkRequest request, ServerCall call)
    {
        if (!leading.TryLead(out _, out var answer))
        {
            return new(new LocateChunkReply { Answer = answer });
        }

        return new(state.Read(new ChunkId(request.Chunk), static (store, chunk) =>
        {
            var tree = MetadataView.Open(store)!.Tree;
            if (!tree.Chunks.TryGet(chunk, out var row))
            {
                return new LocateChunkReply { Answer = new ServerAnswer { Status = (int)FsStatus.NotFound } };
            }

            var reply = new LocateChunkReply
            {
                Answer = new ServerAnswer(),
                Version = row.Version.Value,
                Sealed = row.State == Metadata.Chunks.ChunkState.Sealed,
                Length = row.Length,
            };
            foreach (var id in row.Chain)
            {
                reply.Tail = id.Value;
                if (tree.Servers.TryGet(id, out var server) && server.State != ServerState.Down)
                {
                    reply.Servers.Add(
                        new LocateChunkReply.Types.Replica { Server = id.Value, Address = server.Address });
                }
            }

            return reply;
        }));
    }

    /// <summary>The row of a server, and of which position of the log it is.</summary>
    private (ServerRow? Row, LogIndex Position) RowOf(ServerId id) => state.Read(id, static (store, id) =>
    {
        var view = MetadataView.Open(store)!;
        return (view.Tree.Servers.TryGet(id, out var row) ? row : null, view.Position);
    });

    /// <summary>Of a run of a server that may speak.</summary>
    private static FsStatus StatusOf(ChunkLead lead, ServerId server, ulong incarnation) =>
        lead.Servers.RowOf(server) is not { } row ? FsStatus.NotFound
        : row.Incarnation != incarnation ? FsStatus.Stale
        : FsStatus.Ok;

    private static ServerAnswer AnswerOf(int status) => new()
    {
        Status = status,
        Code = (FsStatus)status switch
        {
            FsStatus.NotFound => ErrorCatalog.ChunkServerUnknown.Number,
            FsStatus.AlreadyExists => ErrorCatalog.ChunkServerIdTaken.Number,
            FsStatus.Stale => ErrorCatalog.ChunkServerRunOver.Number,
            _ => 0,
        },
    };

    private async ValueTask<MetadataReply> ProposeAsync(MetadataCommand command, ServerCall call) =>
        await proposals.TryAsync(command, call.CancellationToken).ConfigureAwait(false)
        ?? throw new RpcException(
            ErrorCatalog.NotLeader,
            "This metaserver cannot tell what became of it. Say it again to the leader.",
            outcomeUnknown: true);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Chunk server {Server} at {Address} wants to register, and is refused: {Status}.")]
    private static partial void LogRefused(ILogger logger, uint server, string address, FsStatus status);
}
