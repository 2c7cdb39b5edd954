using System.CommandLine;
using DistFS.Benchmarks;
using DistFS.Benchmarks.Chunk;
using DistFS.Benchmarks.Client;
using DistFS.Benchmarks.Fuse;
using DistFS.Benchmarks.Meta;
using DistFS.Benchmarks.Native;
using DistFS.Benchmarks.Raft;
using DistFS.Benchmarks.Repair;
using DistFS.Benchmarks.Rpc;
using DistFS.Benchmarks.Scale;
using DistFS.Benchmarks.Store;

// scripts/bench SUITE: runs it on this machine, prints a table, writes JSON. See docs/design/rpc.md and native.md.
var json = new Option<FileInfo?>("--json") { Description = "Also write the figures to this file." };
var rounds = new Option<int>("--rounds")
{
    Description = "Each figure is the median of so many rounds, taken in turns.",
    DefaultValueFactory = _ => 3,
};
var seconds = new Option<double>("--seconds")
{
    Description = "Length of one measurement.",
    DefaultValueFactory = _ => 2,
};
var check = new Option<bool>("--check") { Description = "Fail when a figure misses its bound." };

var only = new Option<string?>("--only") { Description = "Measure only what has this in its name; no ratios." };

var rpc = new Command("rpc", "Frames beside bare sockets and gRPC.") { json, rounds, seconds, check, only };
rpc.SetAction(async (arguments, cancellation) =>
{
    var report = new Report("rpc");
    await RpcSuite.RunAsync(
        report,
        arguments.GetValue(rounds),
        TimeSpan.FromSeconds(arguments.GetValue(seconds)),
        arguments.GetValue(only),
        cancellation);
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var folder = new Option<DirectoryInfo>("--folder")
{
    Description = "On the disk to measure; gets and loses about 1 GiB.",
    DefaultValueFactory = _ => new DirectoryInfo(Path.Combine(Directory.GetCurrentDirectory(), "artifacts", "bench")),
};
var native = new Command("native", "Checksum, LZ4 and RocksDB beside the disk.")
{
    json, rounds, seconds, check, folder,
};
native.SetAction(arguments =>
{
    var report = new Report("native");
    NativeSuite.Run(
        report,
        arguments.GetValue(rounds),
        TimeSpan.FromSeconds(arguments.GetValue(seconds)),
        arguments.GetValue(folder)!.FullName);
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var serve = new Command("serve", "The other process of the rpc suite.") { Hidden = true };
serve.SetAction((_, cancellation) => BenchServer.RunAsync(cancellation));

var kills = new Option<int>("--kills") { Description = "Of leaders, per profile.", DefaultValueFactory = _ => 20 };
var quick = new Option<bool>("--quick") { Description = "A short run that only shows that all of it works." };
var raft = new Command("raft", "Three members as processes: rates beside the disk, killed and stopped leaders.")
{
    json, rounds, seconds, check, only, folder, kills, quick,
};
raft.SetAction(async (arguments, cancellation) =>
{
    var report = new Report("raft");
    var isQuick = arguments.GetValue(quick);
    await RaftSuite.RunAsync(
        report,
        new RaftSuiteOptions(
            arguments.GetValue(folder)!.FullName,
            isQuick ? 1 : arguments.GetValue(rounds),
            TimeSpan.FromSeconds(isQuick ? 1 : arguments.GetValue(seconds)),
            isQuick ? 3 : arguments.GetValue(kills),
            TimeSpan.FromSeconds(isQuick ? 4 : 20),
            isQuick,
            arguments.GetValue(only)),
        cancellation);
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var files = new Option<int>("--files")
{
    Description = "So many are made for the part 'fill'.",
    DefaultValueFactory = _ => 2_000_000,
};
var members = new Option<int>("--members") { Description = "Metaservers.", DefaultValueFactory = _ => 3 };
var meta = new Command("meta", "Three metaservers as processes: rates of the namespace, memory, restart.")
{
    json, rounds, seconds, check, only, folder, quick, files, members,
};
meta.SetAction(async (arguments, cancellation) =>
{
    var report = new Report("meta");
    var isQuick = arguments.GetValue(quick);
    await MetaSuite.RunAsync(
        report,
        new MetaSuiteOptions(
            arguments.GetValue(folder)!.FullName,
            arguments.GetValue(members),
            isQuick ? 1 : arguments.GetValue(rounds),
            TimeSpan.FromSeconds(isQuick ? 1 : arguments.GetValue(seconds)),
            isQuick ? 20_000 : arguments.GetValue(files),
            arguments.GetValue(only)),
        cancellation);
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var operations = new Option<int>("--operations")
{
    Description = "Of one measurement.",
    DefaultValueFactory = _ => 100_000,
};
var group = new Option<int>("--group")
{
    Description = "Entries that go to the engine together.",
    DefaultValueFactory = _ => 32,
};
var apply = new Command("apply", "The apply lane of one metaserver alone: processor time per operation.")
{
    json, check, folder, operations, group,
};
apply.SetAction(arguments =>
{
    var report = new Report("apply");
    ApplySuite.Run(
        report,
        Path.Combine(arguments.GetValue(folder)!.FullName, $"apply-{Environment.ProcessId}"),
        arguments.GetValue(operations),
        arguments.GetValue(group));
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var scale = new Command("scale", "Placement, balance and repair of 10,000 servers and 10^8 chunks, in one process.")
{
    json, check, quick, only,
};
scale.SetAction(arguments =>
{
    var report = new Report("scale");
    ScaleSuite.Run(report, arguments.GetValue(quick), arguments.GetValue(only));
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var chunk = new Command("chunk", "Chunks over chains of servers beside bare sockets, files and calls.")
{
    json, rounds, seconds, check, only, folder,
};
chunk.SetAction(async (arguments, cancellation) =>
{
    var report = new Report("chunk");
    await ChunkSuite.RunAsync(
        report,
        Path.Combine(arguments.GetValue(folder)!.FullName, $"chunk-{Environment.ProcessId}"),
        arguments.GetValue(rounds),
        TimeSpan.FromSeconds(arguments.GetValue(seconds)),
        arguments.GetValue(only),
        cancellation);
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var repair = new Command("repair", "A chunk server dies: how soon and how fast its copies are made again.")
{
    json, check, quick, folder,
};
repair.SetAction(async (arguments, _) =>
{
    var report = new Report("repair");
    await RepairSuite.RunAsync(
        report,
        Path.Combine(arguments.GetValue(folder)!.FullName, $"repair-{Environment.ProcessId}"),
        arguments.GetValue(quick) ? 256L << 20 : 2L << 30);
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var client = new Command("client", "Files of a whole cluster through the client library.")
{
    json, check, quick, folder,
};
client.SetAction(async (arguments, _) =>
{
    var report = new Report("client");
    await ClientSuite.RunAsync(
        report,
        Path.Combine(arguments.GetValue(folder)!.FullName, $"client-{Environment.ProcessId}"),
        arguments.GetValue(quick));
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var fuse = new Command("fuse", "The ceiling of a mount: an empty file system behind the FUSE protocol. Needs root.")
{
    json, rounds, seconds, check, only,
};
fuse.SetAction(async (arguments, cancellation) =>
{
    var report = new Report("fuse");
    await FuseSuite.RunAsync(
        report,
        arguments.GetValue(rounds),
        TimeSpan.FromSeconds(arguments.GetValue(seconds)),
        arguments.GetValue(only),
        cancellation);
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var ceiling = new Command("ceiling", "A mount of a cluster beside the empty file system and the disk's. Needs root.")
{
    json, rounds, seconds, check, only, folder,
};
ceiling.SetAction(async (arguments, cancellation) =>
{
    var report = new Report("ceiling");
    await CeilingSuite.RunAsync(
        report,
        Path.Combine(arguments.GetValue(folder)!.FullName, $"ceiling-{Environment.ProcessId}"),
        arguments.GetValue(rounds),
        TimeSpan.FromSeconds(arguments.GetValue(seconds)),
        arguments.GetValue(only),
        cancellation);
    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var store = new Command("store", "One chunk store: rates, processor time, beside the disk's syncs.")
{
    json, rounds, seconds, check, folder,
};
store.SetAction(async (arguments, _) =>
{
    var report = new Report("store");
    var path = Path.Combine(arguments.GetValue(folder)!.FullName, $"store-{Environment.ProcessId}");
    try
    {
        await StoreSuite.RunAsync(
            report, arguments.GetValue(rounds), TimeSpan.FromSeconds(arguments.GetValue(seconds)), path);
    }
    finally
    {
        StoreSuite.Delete(path);
    }

    return report.Finish(arguments.GetValue(json), arguments.GetValue(check));
});

var id = new Option<ulong>("--id") { Required = true };
var data = new Option<string>("--data") { Required = true };
var listen = new Option<string>("--listen") { Required = true };
var profile = new Option<string>("--profile") { DefaultValueFactory = _ => "default" };
var snapshotEntries = new Option<ulong>("--snapshot-entries") { DefaultValueFactory = _ => 200_000 };
var node = new Command("raft-node", "A member of the raft suite.") { id, data, listen, profile, snapshotEntries };
node.Hidden = true;
node.SetAction((arguments, cancellation) => RaftNode.RunAsync(
    arguments.GetValue(id),
    arguments.GetValue(data)!,
    arguments.GetValue(listen)!,
    arguments.GetValue(profile)!,
    arguments.GetValue(snapshotEntries),
    cancellation));

var chunkNode = new Command("chunk-node", "A chunk server of the chunk suite.") { id, data };
chunkNode.Hidden = true;
chunkNode.SetAction((arguments, cancellation) =>
    ChunkNode.RunAsync((uint)arguments.GetValue(id), arguments.GetValue(data)!, cancellation));

var mountPoint = new Option<string>("--mount") { Required = true };
var posix = new Option<bool>("--posix");
var fuseNode = new Command("fuse-node", "The daemon of the fuse suite.") { mountPoint, posix };
fuseNode.Hidden = true;
fuseNode.SetAction((arguments, cancellation) =>
    FuseNode.RunAsync(arguments.GetValue(mountPoint)!, arguments.GetValue(posix), cancellation));

return await new RootCommand("Benchmarks of DistFS.")
    {
        rpc, native, raft, meta, apply, scale, store, chunk, repair, client, fuse, ceiling, serve, node, chunkNode,
        fuseNode,
    }
    .Parse(args)
    .InvokeAsync();
