using DistFS.Primitives;

namespace DistFS.Simulation.Tests.Network;

public sealed class SimulatedNetworkTests
{
    private readonly EventQueue _queue = new();
    private readonly List<Packet> _arrived = [];
    private readonly List<Packet> _lost = [];

    [Fact]
    public void AGoodLinkDeliversEverythingOnce()
    {
        var network = Make(new NetworkQuality());
        Send(network, 100);
        Assert.Equal(100, _arrived.Count);
        Assert.All(_arrived, packet => Assert.False(packet.IsCorrupt));
    }

    [Fact]
    public void AnOrderedLinkKeepsTheOrderAndAnotherDoesNot()
    {
        Send(Make(new NetworkQuality { IsOrdered = true }), 100);
        Assert.Equal(_arrived.Select(Number).Order(), _arrived.Select(Number));
        _arrived.Clear();
        Send(Make(new NetworkQuality()), 100);
        Assert.NotEqual(_arrived.Select(Number).Order(), _arrived.Select(Number));
    }

    [Fact]
    public void MessagesAreLostRepeatedAndDamagedAtTheirRates()
    {
        Send(Make(new NetworkQuality { Loss = 0.3 }), 1_000);
        Assert.InRange(_arrived.Count, 600, 800);
        Assert.NotEmpty(_lost);
        _arrived.Clear();
        Send(Make(new NetworkQuality { Duplicates = 0.2 }), 1_000);
        Assert.InRange(_arrived.Count, 1_100, 1_300);
        _arrived.Clear();
        Send(Make(new NetworkQuality { Corruption = 0.1 }), 1_000);
        Assert.InRange(_arrived.Count(packet => packet.IsCorrupt), 50, 150);
    }

    [Fact]
    public void ACutHasADirection()
    {
        var network = Make(new NetworkQuality());
        network.Cut(1, 2, cut: true);
        network.Send(1, 2, new byte[1], call: null);
        network.Send(2, 1, new byte[1], call: null);
        Run();
        Assert.Equal(1UL, Assert.Single(_arrived).To);
    }

    [Fact]
    public void WhatIsOnTheWayWhenALinkIsCutIsLost()
    {
        var network = Make(new NetworkQuality());
        network.Send(1, 2, new byte[1], call: null);
        network.Cut(1, 2, cut: true);
        Run();
        Assert.Empty(_arrived);
        network.MendAll();
        Send(network, 1);
        Assert.Single(_arrived);
    }

    [Fact]
    public void AClogHoldsMessagesBack()
    {
        var network = Make(new NetworkQuality());
        network.Link(1, 2).CloggedUntil = 5_000_000;
        network.Send(1, 2, new byte[1], call: null);
        while (_queue.RunOne(4_999_999))
        {
            Assert.Empty(_arrived);
        }

        Run();
        Assert.Single(_arrived);
    }

    private static int Number(Packet packet) => BitConverter.ToInt32(packet.Bytes.Span);

    private SimulatedNetwork Make(NetworkQuality quality) => new(_queue, new Trace(_queue), new Prng(7), quality)
    {
        Arrived = _arrived.Add,
        Lost = _lost.Add,
    };

    private void Send(SimulatedNetwork network, int count)
    {
        for (var i = 0; i < count; i++)
        {
            network.Send(1, 2, BitConverter.GetBytes(i), call: null);
        }

        Run();
    }

    private void Run()
    {
        while (_queue.RunOne(_queue.Now + 10_000_000) || _queue.Count > 0)
        {
            Assert.True(_queue.Done < 100_000);
        }
    }
}
