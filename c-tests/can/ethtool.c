// SIOCETHTOOL of a vcan: what libraries ask before they use time stamps.
#include "can.h"
#include <linux/ethtool.h>

static void ask(const char *kind, int fd, const char *interface)
{
	static const struct {
		const char *name;
		unsigned number;
	} commands[] = {
		{"GET_TS_INFO", ETHTOOL_GET_TS_INFO}, {"GDRVINFO", ETHTOOL_GDRVINFO}, {"GLINK", ETHTOOL_GLINK},
		{"GSET", ETHTOOL_GSET},               {"GLINKSETTINGS", ETHTOOL_GLINKSETTINGS}, {"GSTATS", ETHTOOL_GSTATS},
		{"GRINGPARAM", ETHTOOL_GRINGPARAM},   {"GFEATURES", ETHTOOL_GFEATURES}, {"GPERMADDR", ETHTOOL_GPERMADDR},
		{"GMSGLVL", ETHTOOL_GMSGLVL},         {"SMSGLVL", ETHTOOL_SMSGLVL},     {"an unknown one", 0x7777},
	};
	for (size_t i = 0; i < COUNT(commands); i++) {
		union {
			unsigned command;
			struct ethtool_ts_info stamps;
			struct ethtool_drvinfo driver;
			struct ethtool_value value;
			char space[512];
		} data = {.command = commands[i].number};
		struct ifreq request = {0};
		strcpy(request.ifr_name, interface);
		request.ifr_data = (void *)&data;
		if (CALL_AS(text("%s: %s of %s", kind, commands[i].name, interface), ioctl(fd, SIOCETHTOOL, &request)) < 0)
			continue;
		if (commands[i].number == ETHTOOL_GET_TS_INFO)
			printf("    so_timestamping %#x, phc %d, tx_types %#x, rx_filters %#x\n", data.stamps.so_timestamping,
			       data.stamps.phc_index, data.stamps.tx_types, data.stamps.rx_filters);
		if (commands[i].number == ETHTOOL_GDRVINFO)
			printf("    driver %s, bus_info '%s', fw_version '%s'\n", data.driver.driver, data.driver.bus_info, data.driver.fw_version);
		if (commands[i].number == ETHTOOL_GLINK)
			printf("    %u\n", data.value.data);
	}
	struct ifreq request = {0};
	strcpy(request.ifr_name, interface);
	request.ifr_data = NOWHERE;
	CALL_AS(text("%s: no memory, %s", kind, interface), ioctl(fd, SIOCETHTOOL, &request));
}

int main(void)
{
	int raw = unbound(), udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	ask("CAN_RAW", raw, "vcan0");
	ask("AF_INET", udp, "vcan0");
	ask("CAN_RAW", raw, "vcannot");
}
