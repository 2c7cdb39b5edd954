using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>Metaservers as they ship, in this process: folders and ports by number, from 0.</summary>
internal sealed class HostCluster : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly SortedDictionary<int, MetaserverHost> _hosts = [];
    private readonly Dictionary<int, RpcAddress> _addresses = [];

    public RpcAddress Address(int number) => _addresses.TryGetValue(number, out var address)
        ? address
        : _addresses[number] = RpcAddress.Parse(TestMember.FreeAddress());

    public string Folder(int number) => _folder.Sub($"m{number}");

    public MetaserverHost this[int number] => _hosts[number];

    public IEnumerable<MetaserverHost> Running => _hosts.Values;

    public MetaserverOptions Options(int number, params int[] join) => new()
    {
        DataFolder = Folder(number),
        Address = Address(number),
        Join = [.. join.Select(Address)],
        JoinTimeout = Eventually.Limit,
        Timing = TestCluster.Timing,
    };

    public async Task<MetaserverHost> StartAsync(int number, params int[] join) =>
        _hosts[number] = await MetaserverHost.StartAsync(Options(number, join)).WaitAsync(Eventually.Limit);

    /// <summary>Takes one in that was started otherwise.</summary>
    public void Adopt(int number, MetaserverHost host) => _hosts[number] = host;

    /// <summary>From the next start on it listens elsewhere.</summary>
    public void Move(int number) => _addresses[number] = RpcAddress.Parse(TestMember.FreeAddress());

    /// <summary>Ends it as a stop does.</summary>
    public async Task StopAsync(int number)
    {
        await _hosts[number].DisposeAsync().AsTask().WaitAsync(Eventually.Limit);
        _hosts.Remove(number);
    }

    /// <summary>Ends it without handing over, as if it were killed; what it wrote is on the disk.</summary>
    public async Task KillAsync(int number)
    {
        await _hosts[number].AbortAsync().AsTask().WaitAsync(Eventually.Limit);
        _hosts.Remove(number);
    }

    /// <summary>So many that vote and no others, all of them up to date.</summary>
    public async Task<HostCluster> ThreeAsync()
    {
        await StartAsync(0);
        await StartAsync(1, 0);
        await StartAsync(2, 0, 1);
        await UntilVotersAsync(3);
        return this;
    }

    public AdminClient Admin() => new([.. _hosts.Keys.Select(Address)]);

    public MetaClient Client(ulong id) => new(id, [.. _addresses.Keys.Order().Select(Address)]);

    public int Leader => _hosts.First(host => host.Value.IsLeader).Key;

    public async Task<MembersReply> MembersAsync()
    {
        await using var admin = Admin();
        return await admin.MembersAsync(Eventually.Limit, default);
    }

    /// <summary>Until the leader says that so many vote, that there are no others, and that nothing changes.</summary>
    public async Task<MembersReply> UntilVotersAsync(int count)
    {
        MembersReply members = new();
        await Eventually.True(async () =>
        {
            members = await MembersAsync();
            return members.Self == members.Leader && !members.IsChanging && members.Members.Count == count
                && members.Members.All(member => member.Part == MemberPart.Voter);
        });
        return members;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts.Values)
        {
            await host.AbortAsync();
        }

        _folder.Dispose();
    }
}
