using Xunit.Sdk;

namespace DistFS.Raft.Tests.Harness;

/// <summary>Proof that a test bites: it holds, and with the rule left out it fails.</summary>
internal static class Planted
{
    public static void Bites(PlantedBug bug, Action scenario)
    {
        scenario();
        try
        {
            Teeth.Plant(bug);
            Assert.ThrowsAny<XunitException>(scenario);
        }
        finally
        {
            Teeth.Plant(PlantedBug.None);
        }
    }

    /// <summary>The same for a mistake outside the core, which the scenario makes itself.</summary>
    public static void Bites(Action<bool> scenario)
    {
        scenario(false);
        Assert.ThrowsAny<XunitException>(() => scenario(true));
    }
}
