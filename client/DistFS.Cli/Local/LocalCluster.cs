using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using DistFS.Metaserver.Services;
using DistFS.Native;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Cli.Local;

/// <summary>
/// A cluster of real processes on this machine, in one folder: started, found again, stopped. What is not running is
/// started, what runs is left alone; so the same call makes a cluster, mends one of which something was killed, and
/// brings one back after a restart of the machine, with all its data.
/// </summary>
internal sealed class LocalCluster
{
    private const string FileName = "cluster.json";
    private const int PortMin = 12_000;
    private const int PortEnd = 32_000;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly string _folder;
    private LocalClusterFile _file;

    private LocalCluster(string folder, LocalClusterFile file) => (_folder, _file) = (folder, file);

    /// <summary>Every process, running or not.</summary>
    public IReadOnlyList<LocalNode> Nodes => _file.Servers;

    /// <summary>Where the metaservers listen.</summary>
    public IReadOnlyList<RpcAddress> Metaservers => [.. _file.Meta.Select(RpcAddress.Parse)];

    /// <summary>Where it is mounted on this machine; null: nowhere.</summary>
    public string? Mount => _file.Mount;

    /// <summary>The cluster of a folder; null: there is none.</summary>
    /// <exception cref="DistFsException">Its file cannot be read.</exception>
    public static LocalCluster? Find(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var file = JsonSerializer.Deserialize(
                File.ReadAllText(path), LocalClusterJson.Default.LocalClusterFile);
            return new LocalCluster(folder, file!);
        }
        catch (JsonException e)
        {
            throw new DistFsException(ErrorCatalog.Configuration, $"{path} is damaged: {e.Message}", e);
        }
    }

    /// <summary>A new cluster; nothing runs yet.</summary>
    public static LocalCluster Plan(string folder, int metaservers, int chunkservers) => Plan(
        folder,
        [
            .. Enumerable.Range(1, metaservers).Select(static id => (LocalNode.Metaserver, id, "meta")),
            .. Enumerable.Range(1, chunkservers).Select(static id => (LocalNode.Chunkserver, id, "chunk")),
        ]);

    /// <summary>A new cluster of one process; it does not run yet.</summary>
    public static LocalCluster PlanEmbedded(string folder) => Plan(folder, [(LocalNode.Embedded, 1, "all")]);

    private static LocalCluster Plan(string folder, (string Role, int Id, string Name)[] processes)
    {
        // Held until all are drawn, so that no port is drawn twice.
        var held = new List<Socket>();
        try
        {
            LocalNode[] nodes = [.. processes.Select(one => Node(one.Role, one.Id, one.Name))];
            Directory.CreateDirectory(folder);
            var cluster = new LocalCluster(folder, new LocalClusterFile(
                [.. nodes.Where(static node => node.Role != LocalNode.Chunkserver).Select(static node => node.Address)],
                nodes,
                Mount: null));
            cluster.Save();
            return cluster;
        }
        finally
        {
            held.ForEach(static socket => socket.Dispose());
        }

        LocalNode Node(string role, int id, string name)
        {
            var port = Draw(held);
            var data = Path.Combine(folder, $"{name}{id}");
            return new LocalNode(role, id, 0, $"127.0.0.1:{port}", data, Path.Combine(folder, $"{name}{id}.log"));
        }
    }

    /// <summary>
    /// A port that is free, held by a socket. Below those that the kernel gives to outgoing connections: none of these
    /// has it while its owner is down.
    /// </summary>
    private static int Draw(List<Socket> held)
    {
        for (var tries = 0; tries < 1_000; tries++)
        {
            var port = Random.Shared.Next(PortMin, PortEnd);
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                held.Add(socket);
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                socket.Dispose();
            }
        }

        throw new DistFsException(ErrorCatalog.ListenFailed, $"No port from {PortMin} to {PortEnd - 1} is free.");
    }

    /// <summary>
    /// Whether the process of a node runs: the one that was started for it, and no other with its number.
    /// </summary>
    public static bool IsRunning(LocalNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.Pid == 0)
        {
            return false;
        }

        try
        {
            return File.ReadAllText($"/proc/{node.Pid}/cmdline").Split('\0').Contains(node.Data);
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Starts what does not run, and returns when all of it serves.</summary>
    /// <exception cref="DistFsException">Something does not come up in time; says where its log is.</exception>
    public async Task UpAsync(TimeSpan limit, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(limit);
        for (var i = 0; i < _file.Servers.Length; i++)
        {
            if (!IsRunning(_file.Servers[i]))
            {
                _file.Servers[i] = _file.Servers[i] with { Pid = Start(_file.Servers[i]) };
                Save();
            }
        }

        try
        {
            await HealthyAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            var dead = _file.Servers.FirstOrDefault(static node => !IsRunning(node));
            throw new DistFsException(
                ErrorCatalog.ClusterStarting,
                dead == null
                    ? $"The cluster did not come up within {Duration.ForPeople(limit)}; its logs are in {_folder}."
                    : $"The {dead.Role} {dead.Id} ended: {LastLine(dead.Log)} (its log is {dead.Log})",
                e);
        }
    }

    /// <summary>Mounts it: there from here on, whenever it is brought up.</summary>
    /// <exception cref="DistFsException">It cannot be mounted.</exception>
    public async Task MountAsync(string directory, CancellationToken cancellation)
    {
        if (_file.Mount is { } before && before != directory)
        {
            await LocalMount.UnmountAsync(before, cancellation).ConfigureAwait(false);
        }

        _file = _file with { Mount = directory };
        Save();
        await LocalMount
            .MountAsync(directory, string.Join(',', _file.Meta), Path.Combine(_folder, "mount.log"), cancellation)
            .ConfigureAwait(false);
    }

    /// <summary>Stops all that runs, as SIGTERM asks for, and waits until it is gone.</summary>
    /// <returns>How many ran.</returns>
    /// <exception cref="DistFsException">Something does not end in time.</exception>
    public async Task<int> DownAsync(TimeSpan limit, CancellationToken cancellation)
    {
        if (_file.Mount is { } mount)
        {
            await LocalMount.UnmountAsync(mount, cancellation).ConfigureAwait(false);
        }

        // Chunk servers first: what they say to the metaservers at their end is heard.
        var running = _file.Servers.Where(IsRunning).ToList();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(limit);
        using var timer = new PeriodicTimer(Interval);
        foreach (var role in new[] { LocalNode.Chunkserver, LocalNode.Metaserver, LocalNode.Embedded })
        {
            var ending = running.Where(node => node.Role == role).ToList();
            ending.ForEach(static node => Posix.Kill(node.Pid, ProcessSignal.Terminate));
            while (ending.Find(IsRunning) is { } last)
            {
                try
                {
                    await timer.WaitForNextTickAsync(deadline.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
                {
                    throw new DistFsException(
                        ErrorCatalog.DeadlineExceeded, $"The {last.Role} {last.Id} (pid {last.Pid}) does not end.", e);
                }
            }
        }

        return running.Count;
    }

    private async Task HealthyAsync(CancellationToken cancellation)
    {
        var admin = new AdminClient(Metaservers);
        await using (admin.ConfigureAwait(false))
        {
            var metaservers = _file.Meta.Length;
            var chunkservers = _file.Servers.Count(static node => node.Role != LocalNode.Metaserver);
            using var timer = new PeriodicTimer(Interval);
            for (; ; await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
            {
                if (_file.Servers.Any(static node => !IsRunning(node)))
                {
                    throw new OperationCanceledException("A process ended.");
                }

                try
                {
                    var limit = TimeSpan.FromSeconds(2);
                    var members = await admin.MembersAsync(limit, cancellation).ConfigureAwait(false);
                    var servers = await admin.ServersAsync(0, limit, cancellation).ConfigureAwait(false);
                    if (members.Leader != 0
                        && members.Members.Count(static one => one.Part == MemberPart.Voter) == metaservers
                        && servers.Servers.Count(static one => one.IsThrough && one.State is not ("dead" or "suspect"))
                            >= chunkservers)
                    {
                        Name(members, servers);
                        return;
                    }
                }
                catch (RpcException e) when (AdminClient.IsPassing(e.Code) && !cancellation.IsCancellationRequested)
                {
                    // It is on its way.
                }
            }
        }
    }

    /// <summary>
    /// Each by the number that the cluster gave it, in the order in which they came: that is what other verbs take.
    /// </summary>
    private void Name(MembersReply members, ListServersReply servers)
    {
        for (var i = 0; i < _file.Servers.Length; i++)
        {
            var node = _file.Servers[i];
            var id = node.Role == LocalNode.Chunkserver
                ? (int?)servers.Servers.LastOrDefault(one => one.Address == node.Address && one.IsThrough)?.Server
                : (int?)members.Members.FirstOrDefault(one => one.Address == node.Address)?.Member;
            _file.Servers[i] = node with { Id = id ?? node.Id };
        }

        Save();
    }

    /// <summary>Of a session of its own, so that ^C and the end of this terminal do not reach it.</summary>
    private int Start(LocalNode node)
    {
        List<string> arguments = [node.Role, "--data", node.Data, "--listen", node.Address];
        if (node.Role == LocalNode.Chunkserver)
        {
            arguments.AddRange(
                ["--metaservers", string.Join(',', _file.Meta), "--rack", RackOf(node), "--reserve", "256MiB"]);
        }
        else if (node.Role == LocalNode.Embedded)
        {
            arguments.AddRange(["--reserve", "256MiB"]);
        }
        else if (node.Address != _file.Meta[0])
        {
            arguments.AddRange(["--join", _file.Meta[0]]);
        }

        const string Detached = """exec "$0" "$@" >>"$DISTFS_LOG" 2>&1 </dev/null""";
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Detached, Environment.ProcessPath!, .. arguments])
        {
            UseShellExecute = false,
        };
        start.Environment["DISTFS_LOG"] = node.Log;
        SharedMachine.Configure(start);
        using var process = Process.Start(start)!;
        return process.Id;
    }

    /// <summary>One of its own for each, which stays.</summary>
    private string RackOf(LocalNode node) =>
        $"rack{_file.Servers.Where(static one => one.Role == LocalNode.Chunkserver).ToList().IndexOf(node) + 1}";

    private static string LastLine(string log) =>
        File.Exists(log) ? File.ReadLines(log).LastOrDefault() ?? "it said nothing" : "it said nothing";

    private void Save()
    {
        var path = Path.Combine(_folder, FileName);
        File.WriteAllText($"{path}.new", JsonSerializer.Serialize(_file, LocalClusterJson.Default.LocalClusterFile));
        File.Move($"{path}.new", path, overwrite: true);
    }
}
