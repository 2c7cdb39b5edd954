using DistFS.Metadata.Reads;
using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Chunks;

/// <content>What a server has, against what it should have.</content>
internal sealed partial class ChunkServersService
{
    private async ValueTask<InventoryReply> InventoryAsync(InventoryRequest request, ServerCall call)
    {
        if (!leading.TryLead(out var lead, out var answer))
        {
            return new InventoryReply { Answer = answer };
        }

        var server = new ServerId(request.Server);
        if (StatusOf(lead, server, request.Incarnation) is not FsStatus.Ok and var refused)
        {
            return new InventoryReply { Answer = AnswerOf((int)refused) };
        }

        if (request.Position > state.AppliedIndex.Value)
        {
            throw new RpcException(ErrorCatalog.BadRequest, "The cluster has not been at this position yet.");
        }

        var copies = new List<ReportedCopy>(request.Copies.Count);
        foreach (var copy in request.Copies)
        {
            copies.Add(new ReportedCopy(
                new ChunkId(copy.Chunk), new ChunkVersion(copy.Version), copy.Length, copy.Unclean, copy.Unsealed));
        }

        var (status, plan) = state.Read((request, copies), static (store, asked) =>
        {
            var end = asked.request.End == 0 ? ulong.MaxValue : asked.request.End;
            var status = Metadata.Servers.Inventory.Compare(
                MetadataView.Open(store)!.Tree,
                new ServerId(asked.request.Server),
                new LogIndex(asked.request.Position),
                new ChunkId(asked.request.First),
                new ChunkId(end),
                asked.copies,
                out var plan);
            return (status, plan);
        });
        if (status != FsStatus.Ok)
        {
            throw new RpcException(
                ErrorCatalog.BadRequest, $"A page has at most {PageMax} copies, in order and inside of its bounds.");
        }

        if (plan.Unknown.Count > 0)
        {
            lead.CountUnknown(plan.Unknown.Count);
            LogUnknown(logger, server, plan.Unknown.Count, plan.Unknown[0].Chunk, plan.Unknown[0].Version);
        }

        var reply = new InventoryReply { Answer = new ServerAnswer() };
        await SettleAsync(server, plan, reply, call).ConfigureAwait(false);
        reply.Fences.Add(plan.Fences);
        reply.Members.Add(FenceTeller.MembersOf(plan.Fences, lead.Servers));
        reply.Deletes.Add(plan.Deletes);
        if (request.End != 0 || plan.Next.Value != ulong.MaxValue)
        {
            reply.Next = plan.Next.Value;
        }
        else if (await EndInventoryAsync(lead, request, call).ConfigureAwait(false) is not FsStatus.Ok and var ended)
        {
            return new InventoryReply { Answer = AnswerOf((int)ended) };
        }

        // What the server has when it hears this, it has with all that was told up to here.
        reply.Position = state.AppliedIndex.Value;
        return reply;
    }

    /// <summary>
    /// What is lost is taken out of its chunks. A chunk that has gone on meanwhile is asked for again; of one that
    /// nobody else is known to have, the loss is noted, and the server tells it until somebody does.
    /// </summary>
    private async ValueTask SettleAsync(ServerId server, InventoryPlan plan, InventoryReply reply, ServerCall call)
    {
        if (plan.Lost.Count > 0)
        {
            LogLost(logger, server, plan.Lost.Count, plan.Lost[0].Chunk);
        }

        if (plan.Unclean.Count > 0)
        {
            LogUnclean(logger, server, plan.Unclean.Count, plan.Unclean[0].Chunk);
        }

        List<ChangeReplicasRequest.Types.Change> settled = [.. plan.Lost, .. plan.Found, .. plan.Unclean];
        for (var from = 0; from < settled.Count; from += PageMax)
        {
            var changes = new ChangeReplicasRequest();
            changes.Changes.Add(settled.GetRange(from, Math.Min(PageMax, settled.Count - from)));
            var done = await ProposeAsync(new MetadataCommand { ChangeReplicas = changes }, call)
                .ConfigureAwait(false);
            for (var i = 0; i < changes.Changes.Count; i++)
            {
                var change = changes.Changes[i];
                switch ((FsStatus)done.ChangeReplicas.Statuses[i])
                {
                    case FsStatus.Ok or FsStatus.NotFound:
                        break;
                    case FsStatus.Stale:
                        plan.AskAgain(new ChunkId(change.Chunk));
                        break;
                    default:
                        reply.Lost.Add(new LostCopy
                        {
                            Chunk = change.Chunk,
                            Version = change.Version,
                            Status = (int)FsStatus.NotFound,
                        });
                        break;
                }
            }
        }
    }

    /// <summary>The log says from here on that what the chunks' rows say of a server is so. ESTALE: not of this run.
    /// </summary>
    private async ValueTask<FsStatus> EndInventoryAsync(ChunkLead lead, InventoryRequest request, ServerCall call)
    {
        var end = new EndInventoryRequest { Server = request.Server, Incarnation = request.Incarnation };
        var reply = await ProposeAsync(new MetadataCommand { EndInventory = end }, call).ConfigureAwait(false);
        var id = new ServerId(request.Server);
        if (reply.Status == 0 && RowOf(id) is ({ } row, var position))
        {
            lead.Servers.SetRow(id, row, position, leading.NowMs);
        }

        return (FsStatus)reply.Status;
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Chunk server {Server} has {Count} copies that nothing explains, as {Chunk} {Version}: the "
            + "metadata may be older than the server. They are left alone.")]
    private static partial void LogUnknown(
        ILogger logger, ServerId server, int count, ChunkId chunk, ChunkVersion version);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Chunk server {Server} lacks {Count} copies that it should have, chunk {Chunk} among them.")]
    private static partial void LogLost(ILogger logger, ServerId server, int count, ulong chunk);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Chunk server {Server} may lack bytes that were not synced when it ended, in {Count} copies, of "
            + "chunk {Chunk} among them: they count for nothing as long as others do.")]
    private static partial void LogUnclean(ILogger logger, ServerId server, int count, ulong chunk);
}
