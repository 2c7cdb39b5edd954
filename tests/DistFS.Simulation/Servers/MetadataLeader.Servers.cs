using DistFS.Metadata;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement;
using DistFS.Metadata.Placement.Repair;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;
using PlacedChunk = DistFS.Metadata.Placement.ChunkInfo;
using PlacedState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Simulation;

/// <content>
/// Chunk servers: who is heard of, what they have to delete, what they say that they have; and the shipped planner of
/// repair. What is decided goes through the log.
/// </content>
public sealed partial class MetadataLeader
{
    private readonly SortedSet<ulong> _offered = [];
    private readonly List<RepairCommand> _commands = [];
    private readonly List<LivenessChange> _changes = [];
    private ServerLiveness? _liveness;
    private RepairPlanner? _planner;
    private string _servers = "";
    private int _looks;

    private void StopCaring()
    {
        (_liveness, _planner, _servers) = (null, null, "");
        _offered.Clear();
    }

    private void Care(Tree tree)
    {
        _liveness ??= BeginLiveness(tree);
        foreach (var server in workload.Servers.All.Where(static server => server.Serves))
        {
            _liveness.Hear(server.Id, NowMs);
            if (tree.Servers.TryGet(server.Id, out var row) && row.State == Protocol.ServerState.Down)
            {
                SetState(server.Id, row, Protocol.ServerState.Up);
            }
        }

        _changes.Clear();
        _liveness.Tick(NowMs, _changes);
        foreach (var (id, row) in tree.Servers.All)
        {
            if (_liveness.StateOf(id) == PlacedState.Dead && row.State != Protocol.ServerState.Down)
            {
                SetState(id, row, Protocol.ServerState.Down);
            }
        }

        // Servers by turns.
        var all = workload.Servers.All;
        var turn = all[_looks++ % all.Count];
        if (turn.Serves)
        {
            OrderDeletions(tree, turn);
            AskForReport(turn);
        }

        Repair(tree);
    }

    private ServerLiveness BeginLiveness(Tree tree)
    {
        var liveness = new ServerLiveness(NowMs);
        foreach (var (id, _) in tree.Servers.All)
        {
            liveness.Hear(id, NowMs);
        }

        return liveness;
    }

    private void SetState(ServerId id, ServerRow row, Protocol.ServerState state)
    {
        var command = new MetadataCommand
        {
            SetServerState = new SetServerStateRequest
            {
                Server = id.Value,
                Incarnation = row.Incarnation,
                State = state,
            },
        };
        node.Propose(command.ToByteArray(), static _ => { });
    }

    private void OrderDeletions(Tree tree, SimulatedChunkServer server)
    {
        // The order takes its time, and comes from this state.
        foreach (var (chunk, garbage) in tree.Chunks.Garbage(server.Id, default, ChunkLayout.StepMax))
        {
            var id = server.Id;
            world.Queue.After(Delay(), () => OrderTo(id)?.Delete(garbage.OrderFor(chunk)));
        }
    }

    private SimulatedChunkServer? OrderTo(ServerId id) => workload.Servers.Find(id) is { Serves: true } server
        ? server : null;

    private void AskForReport(SimulatedChunkServer server)
    {
        // It learns how far the log is, then looks at what it has; what it says arrives later.
        server.Position = node.AppliedIndex > server.Position ? node.AppliedIndex : server.Position;
        var (id, position, copies) = (server.Id, server.Position, server.Report());
        node.Do(Delay(), () => Compare(id, position, copies));
    }

    private void Compare(ServerId id, LogIndex position, List<ReportedCopy> copies)
    {
        var machine = (MetadataMachineAdapter)node.Machine!;
        if (!node.Leads || machine.AppliedIndex < position
            || MetadataView.Open(machine.Published) is not { } view)
        {
            return;
        }

        var status = Inventory.Compare(
            view.Tree, id, position, default, new ChunkId(ulong.MaxValue), copies, out var plan);
        if (status != FsStatus.Ok || plan.Unknown.Count > 0)
        {
            throw new InvariantException(
                "what a server has was made", $"{id}: {status}, {string.Join(' ', plan.Unknown)}");
        }

        foreach (var order in plan.Deletes)
        {
            world.Queue.After(Delay(), () => OrderTo(id)?.Delete(order));
        }

        if (plan.Lost.Count > 0)
        {
            world.Trace.Line($"{node} hears that {id} has lost {string.Join(' ', plan.Lost)}");
            Change(plan.Lost, static _ => { });
        }

        if (plan.Found.Count > 0)
        {
            world.Trace.Line($"{node} hears that {id} has again {string.Join(' ', plan.Found)}");
            Change(plan.Found, static _ => { });
        }

        // What is not settled is asked for with the next report.
        if (plan.Next.Value == ulong.MaxValue && view.Tree.Servers.TryGet(id, out var row) && !row.IsThrough)
        {
            var end = new EndInventoryRequest { Server = id.Value, Incarnation = row.Incarnation };
            node.Propose(new MetadataCommand { EndInventory = end }.ToByteArray(), static _ => { });
        }
    }

    private void Repair(Tree tree)
    {
        var ring = ChunkServers.RingOf(tree);
        var servers = string.Join(' ', ring.Servers.ToArray());
        if (_planner == null)
        {
            var first = new CopyId(node.AppliedIndex.Value << 20);
            _planner = new RepairPlanner(new RepairOptions(), new ServerLoads(ring), first, [], NowMs);
        }
        else if (servers != _servers)
        {
            _planner.SetServers(new ServerLoads(ring));
        }

        _servers = servers;
        OfferAll(tree);
        _commands.Clear();
        _planner.Tick(NowMs, _commands);
        foreach (var command in _commands)
        {
            Do(tree, command);
        }
    }

    private void OfferAll(Tree tree)
    {
        var gone = new SortedSet<ulong>(_offered);
        foreach (var (id, row) in ChunkServers.Chunks(tree))
        {
            // Nobody copies what is being written.
            if (row.State == ChunkState.Sealed && row.Goal > 0)
            {
                _planner!.Offer(InfoOf(id, row));
                _offered.Add(id.Value);
                gone.Remove(id.Value);
            }
        }

        foreach (var id in gone)
        {
            _planner!.Forget(new ChunkId(id));
            _offered.Remove(id);
        }
    }

    private static PlacedChunk InfoOf(ChunkId id, ChunkRow row) => new(
        id,
        row.Version,
        row.Length,
        new ReplicaGoal(row.Goal, RackRule.None),
        [.. row.Replicas.ToArray().Select(server =>
            new Replica(server, row.Lacks(server) ? ReplicaState.Bad : ReplicaState.Good))]);

    private void Do(Tree tree, RepairCommand command)
    {
        switch (command)
        {
            case StartCopy start:
                world.Invariants.Tell(invariant => (invariant as MetadataReference)?.OnCopy(start.Assignment));
                node.Do(Delay(), () => Copy(start.Assignment));
                break;
            case RemoveReplica remove:
                world.Trace.Line($"{node} removes {remove}");
                Change([ChangeOf(remove.Chunk, remove.Version, remove.Server, add: false)], status =>
                {
                    if (status != FsStatus.Ok && Current(remove.Chunk) is { } chunk)
                    {
                        _planner?.RemovalRefused(chunk);
                    }
                });
                break;
            case ScanChunks scan:
                _planner!.Scanned(scan.Server);
                break;
            default:
                // A copy that was given up ends with what it finds.
                _ = tree;
                break;
        }
    }

    private void Copy(CopyAssignment copy)
    {
        var (source, target) = (OrderTo(copy.Source), OrderTo(copy.Target));
        if (source == null || target == null || !source.Copies.TryGetValue(copy.Chunk.Value, out var from)
            || Row(copy.Chunk) is not { } chunk || chunk.Version != copy.Version
            || !ChunkServers.IsGood(from, chunk))
        {
            _planner?.CopyFailed(copy.Copy);
            return;
        }

        target.Copies[copy.Chunk.Value] = new StoredCopy(copy.Version.Value, (uint)copy.SizeBytes);
        world.Trace.Line($"{node} has {copy.Chunk} copied from {source} to {target}");
        Change([ChangeOf(copy.Chunk, copy.Version, copy.Target, add: true)], status =>
        {
            if (status == FsStatus.Ok && Current(copy.Chunk) is { } done)
            {
                _planner?.CopyDone(copy.Copy, done);
            }
            else
            {
                _planner?.CopyFailed(copy.Copy);
            }
        });
    }

    private PlacedChunk? Current(ChunkId id) => Row(id) is { } row ? InfoOf(id, row) : null;

    private ChunkRow? Row(ChunkId id)
    {
        var rows = ((MetadataMachineAdapter)node.Machine!).Published;
        return MetadataView.Open(rows) is { } view && view.Tree.Chunks.TryGet(id, out var row) ? row : null;
    }

    private void Change(IReadOnlyList<ChangeReplicasRequest.Types.Change> changes, Action<FsStatus> done)
    {
        var command = new MetadataCommand { ChangeReplicas = new ChangeReplicasRequest { Changes = { changes } } };
        var isAccepted = node.Propose(command.ToByteArray(), bytes =>
        {
            var reply = bytes is { } told ? MetadataReply.Parser.ParseFrom(told.Span) : null;
            done(reply?.ChangeReplicas is { Statuses: [var status, ..] } ? (FsStatus)status : FsStatus.TryAgain);
        });
        if (!isAccepted)
        {
            done(FsStatus.TryAgain);
        }
    }

    private static ChangeReplicasRequest.Types.Change ChangeOf(
        ChunkId chunk, ChunkVersion version, ServerId server, bool add) => new()
        {
            Chunk = chunk.Value,
            Version = version.Value,
            Server = server.Value,
            Add = add,
        };

    private long Delay() => 1_000 + (long)DiskFaults.Exponential(prng, 100_000);
}
